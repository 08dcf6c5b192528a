// The thread pool. The tasks of a job are cut into one range for each thread; a thread takes those of
// its own range in their order, then what is left of the others'. Kernels number their tasks along the
// batch, so a thread finds in its own cache what it wrote there in the kernel before.
//
// Each range is published in one atomic word, its ticket: (job number, next task). Tasks are claimed by
// compare-and-swap on the ticket, so a thread that wakes late finds either a current job or nothing to
// do, and the caller waits for the tasks alone, never for a thread to wake up. Workers spin for a moment
// after each job, since kernels follow each other closely, and then sleep.
#include "parallel.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>
#include "sanitize.h"

namespace fovea {

namespace {

// Operations: a few microseconds of one core.
constexpr double kWorthSharing = kSanitized ? 0 : 4e5;
constexpr auto kSpin = std::chrono::microseconds(40);
constexpr uint32_t kClosed = 0x7fffffff;  // a next task that no job has

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline uint64_t ticketOf(uint64_t job, uint32_t next) { return job << 32 | next; }
inline uint64_t jobOf(uint64_t ticket) { return ticket >> 32; }
inline uint32_t nextOf(uint64_t ticket) { return static_cast<uint32_t>(ticket); }

/** The tasks of a range that nobody has claimed yet. */
struct alignas(64) Ticket {
  std::atomic<uint64_t> value{ticketOf(0, kClosed)};
};

}  // namespace

struct Pool::State {
  explicit State(int threads) : ranges(static_cast<uint32_t>(threads)), tickets(new Ticket[ranges]) {}
  /** Ends the workers that there are: fewer than threads − 1 where the next one could not be started. */
  ~State() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stop.store(true);
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  const uint32_t ranges;
  const std::unique_ptr<Ticket[]> tickets;
  alignas(64) std::atomic<int> done{0};
  // Written while the tickets are closed. A thread may read them torn, but then its claim fails.
  alignas(64) std::atomic<Task> call{nullptr};
  std::atomic<const void*> context{nullptr};
  std::atomic<uint32_t> tasks{0};

  alignas(64) std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;

  uint32_t startOf(uint32_t range, uint32_t count) const {
    return static_cast<uint32_t>(uint64_t{range} * count / ranges);
  }

  /** Runs tasks of the current job until none is left unclaimed. */
  void help(int thread) {
    // Sanitizers are to see every thread at work, however late it wakes: in every second job of theirs
    // nobody takes what is another's.
    const uint32_t most = kSanitized && jobOf(latest()) % 2 ? 1 : ranges;
    for (uint32_t i = 0; i < most; ++i) drain((static_cast<uint32_t>(thread) + i) % ranges, thread);
  }

  void drain(uint32_t range, int thread) {
    std::atomic<uint64_t>& ticket = tickets[range].value;
    uint64_t seen = ticket.load(std::memory_order_acquire);
    const uint64_t job = jobOf(seen);
    const Task body = call.load(std::memory_order_acquire);
    const void* const argument = context.load(std::memory_order_acquire);
    const uint32_t end = startOf(range + 1, tasks.load(std::memory_order_acquire));
    while (jobOf(seen) == job && nextOf(seen) < end) {
      if (!ticket.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) continue;
      body(argument, static_cast<int>(nextOf(seen)), thread);
      done.fetch_add(1, std::memory_order_release);
      seen = ticket.load(std::memory_order_acquire);
    }
  }

  /** The ticket that is opened last: a job that it shows is open everywhere. */
  uint64_t latest() const { return tickets[0].value.load(); }

  void work(int thread) {
    uint64_t job = 0;
    while (waitForNext(job)) help(thread);
  }

  /** Waits for a job other than `job`, which it then is; false when there will be none. */
  bool waitForNext(uint64_t& job) {
    const uint64_t last = job;
    const auto fresh = [&] {
      const uint64_t now = latest();
      if (jobOf(now) != last && nextOf(now) != kClosed) job = jobOf(now);
      return stop.load() || job != last;
    };
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 64; ++i) {
        if (fresh()) return !stop.load();
        relax();
      }
    } while (std::chrono::steady_clock::now() < end);
    std::unique_lock<std::mutex> lock(mutex);
    // First count ourselves as asleep, then look once more: the caller publishes first and counts
    // sleepers after, so one of the two always sees the other.
    sleepers.fetch_add(1);
    wake.wait(lock, fresh);
    sleepers.fetch_sub(1);
    return !stop.load();
  }
};

Pool::Pool(int threads) : state_(new State(threads)) {
  for (int thread = 1; thread < threads; ++thread) {
    state_->workers.emplace_back([state = state_.get(), thread] {
      state->work(thread);
    });
  }
}

Pool::~Pool() = default;

int Pool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void Pool::run(int tasks, Task call, const void* context, double work) {
  if (tasks <= 1 || state_->workers.empty() || work < kWorthSharing) {
    for (int task = 0; task < tasks; ++task) call(context, task, 0);
    return;
  }
  State& state = *state_;
  const uint64_t job = (jobOf(state.latest()) + 1) & 0xffffffff;
  const uint32_t count = static_cast<uint32_t>(tasks);
  for (uint32_t r = 0; r < state.ranges; ++r) state.tickets[r].value.store(ticketOf(job, kClosed));
  state.call.store(call, std::memory_order_release);
  state.context.store(context, std::memory_order_release);
  state.tasks.store(count, std::memory_order_release);
  state.done.store(0, std::memory_order_release);
  for (uint32_t r = state.ranges; r-- > 0;) {
    state.tickets[r].value.store(ticketOf(job, state.startOf(r, count)));
  }
  if (state.sleepers.load() > 0) {
    { const std::lock_guard<std::mutex> lock(state.mutex); }
    state.wake.notify_all();
  }
  state.help(0);
  for (int spins = 0; state.done.load(std::memory_order_acquire) < tasks; ++spins) {
    if (spins < 4000) relax(); else std::this_thread::yield();
  }
}

}  // namespace fovea

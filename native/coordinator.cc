#include "coordinator.h"

#include <algorithm>
#include <chrono>

#include "call_guard.h"

namespace fovea {

namespace {

double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

constexpr size_t kLine = 64;

/**
 * From thread to thread's scratch memory. Where two cores have no cache in common, Winograd's kernels took up to
 * twice as long while what the threads wrote lay within the same 2 MiB, though never in the same line or page:
 * seen with EPYC 9005, and not explained.
 */
constexpr size_t kApart = size_t{2} << 20;

/** Makes a block at least this large. Its contents are lost. */
bool grow(Block& block, size_t bytes) {
  if (block.data() && block.bytes() >= bytes) return true;
  block = Block();  // first, so that the two never stand side by side
  block = Block(bytes);
  if (block.data()) return true;
  block = Block();
  return false;
}

}  // namespace

Coordinator::Coordinator(const KernelTable& table, int threads, Done done, void* context)
    : table_(table),
      pool_(threads),
      done_(done),
      context_(context),
      thread_([this] { loop(); }) {}

void Coordinator::push(std::unique_ptr<Job> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Coordinator::stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  queue_.clear();
}

void Coordinator::loop() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job->work(*this);
    done_(context_, job.release());
  }
}

ScratchBytes Coordinator::scratchOf(const Call& call) const {
  return table_.scratch[call.kernel](call.args, pool_.threads());
}

ScratchBytes Coordinator::scratchOf(const Program& program) const {
  ScratchBytes most;
  for (const Call& call : program.calls()) most = most.with(scratchOf(call));
  return most.upTo(pool_.threads() == 1 ? kLine : kApart);
}

std::string Coordinator::run(const Program& program, std::vector<char*>& buffers,
                             ScratchBytes scratch, std::vector<double>* seconds) {
  const size_t scratchBytes = scratch.total(pool_.threads());
  if (!grow(arena_, program.arenaBytes()) || !grow(scratch_, scratchBytes)) {
    return "run: no memory for the arena (" + std::to_string(program.arenaBytes()) +
           " bytes) and scratch (" + std::to_string(scratchBytes) + " bytes)";
  }
  const std::vector<BufferSpec>& specs = program.buffers();
  for (size_t i = 0; i < specs.size(); i++) {
    if (specs[i].kind == kBufferArena) buffers[i] = arena_.data() + specs[i].offset;
  }
  char* const own = scratch_.data() + scratch.shared;
  const Frame frame{buffers.data(), pool_, scratch_.data(), own, scratch.own};
  const std::vector<Call>& calls = program.calls();
  for (size_t i = 0; i < calls.size(); i++) {
    if (stopping_) return "run: the backend was closed";
    const CallGuard guard(*this, program, calls[i], arena_, scratch_, scratch);
    const double start = seconds ? now() : 0;
    const char* problem = table_.run[calls[i].kernel](calls[i].args, frame);
    if (problem) {
      return "run: call " + std::to_string(i) + ", " + kKernels[calls[i].kernel].name + ": " +
             problem;
    }
    if (seconds) seconds->push_back(now() - start);
  }
  return "";
}

std::string Coordinator::measurePeaks(Peaks& peaks) {
  // The best of several times: others on the machine only ever take away.
  constexpr int kTimes = 25, kTasks = 8, kRounds = 1 << 17;
  constexpr double kMuch = 1e12;  // for all threads
  for (int time = 0; time < kTimes; time++) {
    std::vector<double> done(static_cast<size_t>(kTasks * pool_.threads()));
    const double start = now();
    pool_.run(
        static_cast<int>(done.size()), [&](int task, int) { done[task] = table_.multiplyAdds(kRounds); }, kMuch);
    const double seconds = now() - start;
    double sum = 0;
    for (const double some : done) sum += some;
    peaks.flops = std::max(peaks.flops, 2 * sum / seconds);
  }
  // Far more than any cache holds.
  constexpr size_t kFloats = size_t{16} << 20, kPart = size_t{1} << 17;
  constexpr size_t kBytes = 3 * kFloats * sizeof(float);
  Block memory(kBytes);
  if (!memory.data()) return "measurePeaks: no memory for " + std::to_string(kBytes) + " bytes";
  float* const a = reinterpret_cast<float*>(memory.data());
  std::fill(a, a + 2 * kFloats, 1.0f);
  for (int time = 0; time < kTimes; time++) {
    const double start = now();
    const auto add = [&](int task, int) {
      float* const part = a + task * kPart;
      table_.triad(part, part + kFloats, part + 2 * kFloats, kPart);
    };
    pool_.run(static_cast<int>(kFloats / kPart), add, kMuch);
    peaks.bytesPerSecond = std::max(peaks.bytesPerSecond, kBytes / (now() - start));
  }
  return "";
}

void Coordinator::trim(size_t arenaBytes, size_t scratchBytes) {
  if (arena_.bytes() > arenaBytes) arena_ = Block();
  if (scratch_.bytes() > scratchBytes) scratch_ = Block();
}

}  // namespace fovea

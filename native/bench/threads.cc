// Drives the thread pool and the coordinator without kernels and without JavaScript, for ThreadSanitizer
// to look on: several at once, jobs of any size close behind each other, and ends at any moment. Exits
// with 1 if a task or a job did not run once, or its results were not seen.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>
#include "../coordinator.h"

using namespace fovea;

namespace {

std::atomic<int> failures{0};
void expect(bool isTrue, const char* what) {
  if (!isTrue && ++failures <= 20) std::printf("FAIL %s\n", what);
}

void runThreeAtOnce(void (*body)(unsigned seed)) {
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 3; ++seed) threads.emplace_back(body, seed);
  for (std::thread& thread : threads) thread.join();
}

// ---------------------------------------------------------------- the pool

constexpr double kMuch = 1e12;  // work, for all threads

/** Every task runs once, on a thread that no other task has meanwhile. */
void checkPool(unsigned seed) {
  std::mt19937 random(seed);
  for (int pools = 0; pools < 20; ++pools) {
    Pool pool(static_cast<int>(1 + random() % 4));
    std::vector<int> ofThread(static_cast<size_t>(pool.threads()));
    int total = 0;
    for (int jobs = 0; jobs < 40; ++jobs) {
      std::vector<int> runs(random() % 50);
      const auto count = [&](int task, int thread) {
        ++runs[static_cast<size_t>(task)];
        ++ofThread[static_cast<size_t>(thread)];
      };
      pool.run(static_cast<int>(runs.size()), count, kMuch);
      for (const int times : runs) expect(times == 1, "a task of the pool ran once");
      total += static_cast<int>(runs.size());
      // now and then long enough for the others to fall asleep
      if (random() % 10 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
    }
    for (const int count : ofThread) total -= count;
    expect(total == 0, "each task of the pool had its thread for itself");
  }
}

// ---------------------------------------------------------------- the coordinator

constexpr int kCells = 100;

/** Stands for a kernel: adds 1 to every cell of buffer 0, each in a task of its own. */
const char* addOne(const void*, const Frame& frame) {
  int32_t* const cells = reinterpret_cast<int32_t*>(frame.buffers[0]);
  frame.pool.run(kCells, [&](int task, int) { ++cells[task]; }, kMuch);
  return nullptr;
}

const KernelTable& table() {
  static const KernelTable only = [] {
    KernelTable made{};
    made.name = "none";
    made.run[kKernelElementwise] = addOne;
    made.scratch[kKernelElementwise] = [](const void*, int) { return ScratchBytes{0, 100}; };
    return made;
  }();
  return only;
}

/** Three calls that add 1, each encoded as the least that passes for an elementwise call. */
Program threeCalls() {
  std::vector<int64_t> words;
  const auto put = [&](const auto& part) {
    const auto* from = reinterpret_cast<const int64_t*>(&part);
    words.insert(words.end(), from, from + sizeof part / sizeof *from);
  };
  put(ProgramHeader{1, 3, kCells * 4});
  put(BufferSpec{kBufferArena, 0, 0, kCells * 4});
  for (int call = 0; call < 3; ++call) {
    put(CallHeader{kKernelElementwise, (sizeof(ElementwiseArgs) + sizeof(Source) + sizeof(Result)) / 8});
    put(ElementwiseArgs{1, {kCells}, 1, 0, 1});
    put(Source{kSourceConstant, {-1, kF32, 0, {}}});
    put(Result{0, {0, kF32, 0, {1}}});
  }
  Program program;
  expect(program.load(words.data(), words.size() * 8).empty(), "the program loads");
  return program;
}

/** What has been done, as the thread that asked for it is told. */
class Finished {
 public:
  static void add(void* context, Job* job) {
    Finished& self = *static_cast<Finished*>(context);
    const std::lock_guard<std::mutex> lock(self.mutex_);
    self.jobs_.emplace_back(job);
  }
  std::vector<std::unique_ptr<Job>> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(jobs_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Job>> jobs_;
};

/** Runs the program, copies a cell of the arena, and lets go of the arena now and then. */
class AddJob : public Job {
 public:
  AddJob(const Program& program, int number) : program_(program), number_(number) {}
  void work(Coordinator& coordinator) override {
    if (number_ % 7 == 0) coordinator.trim(0, 0);
    std::vector<char*> buffers(1);
    error = coordinator.run(program_, buffers, coordinator.scratchOf(program_), nullptr);
    if (error.empty()) std::memcpy(&cell, buffers[0] + 4 * (number_ % kCells), 4);
  }
  int number() const { return number_; }
  int32_t cell = 0;

 private:
  const Program& program_;
  const int number_;
};

/** Jobs are done in order, and what they leave behind is seen; what is not done by the end never is. */
void checkCoordinator(unsigned seed) {
  const Program program = threeCalls();
  std::mt19937 random(seed);
  for (int times = 0; times < 40; ++times) {
    Finished finished;
    int next = 0;
    int32_t last = 0;
    const auto look = [&] {
      for (const std::unique_ptr<Job>& job : finished.take()) {
        const AddJob& done = static_cast<const AddJob&>(*job);
        expect(done.number() == next++, "jobs are done in order");
        if (!done.error.empty()) continue;  // stopped at work
        expect(done.cell == (done.number() % 7 == 0 ? 3 : last + 3), "every call was run once");
        last = done.cell;
      }
    };
    Coordinator coordinator(table(), static_cast<int>(1 + random() % 4), Finished::add, &finished);
    for (int number = 0; number < 30; ++number) {
      coordinator.push(std::make_unique<AddJob>(program, number));
      look();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    coordinator.stop();
    look();
  }
}

}  // namespace

int main() {
  runThreeAtOnce(checkPool);
  runThreeAtOnce(checkCoordinator);
  std::printf("%d failures\n", failures.load());
  return failures > 0 ? 1 : 0;
}

// The one thread of a backend that runs what was asked for, in order, off the JavaScript thread. It
// knows nothing of JavaScript: instance.cc gives it jobs and takes them back when they are done.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "isa.h"
#include "memory.h"
#include "parallel.h"
#include "program.h"

namespace fovea {

class Coordinator;

/** The most that the machine does with a coordinator's threads; see peak.h. */
struct Peaks {
  double flops = 0;           // floating-point operations a second, a multiply-add being two
  double bytesPerSecond = 0;  // between memory and processor
};

/** Something to do on the coordinator's thread. */
class Job {
 public:
  virtual ~Job() = default;
  virtual void work(Coordinator& coordinator) = 0;
  /** What went wrong; empty if nothing did. */
  std::string error;
};

class Coordinator {
 public:
  /** Called on the coordinator's thread with each job whose work is over. */
  using Done = void (*)(void* context, Job* job);

  Coordinator(const KernelTable& table, int threads, Done done, void* context);
  ~Coordinator() { stop(); }

  /** Jobs start in the order of these calls. */
  void push(std::unique_ptr<Job> job);
  /** Ends the thread after the kernel that it is in; jobs that have not started never will. */
  void stop();

  /** Scratch memory that a call needs. */
  ScratchBytes scratchOf(const Call& call) const;
  /** For any of a program's calls, with room behind each part for the next to begin where it should. */
  ScratchBytes scratchOf(const Program& program) const;
  int threads() const { return pool_.threads(); }

  // The rest is for jobs, on the coordinator's thread.

  /**
   * Runs a program's calls; `buffers` has the base of each buffer that is not in the arena. Fills
   * `seconds`, if given, with a number for each call. Returns what went wrong, or nothing.
   */
  std::string run(const Program& program, std::vector<char*>& buffers, ScratchBytes scratch,
                  std::vector<double>* seconds);
  /** Measures for about a quarter of a second; returns what went wrong, or nothing. */
  std::string measurePeaks(Peaks& peaks);
  /** Gives the arena and the scratch memory back if they are larger than this. */
  void trim(size_t arenaBytes, size_t scratchBytes);

 private:
  void loop();

  const KernelTable& table_;
  Pool pool_;
  const Done done_;
  void* const context_;
  Block arena_, scratch_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> queue_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: it uses all the others
};

}  // namespace fovea

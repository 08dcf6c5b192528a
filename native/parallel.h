// A small pool of threads. One caller at a time. Which thread runs a task is not fixed: a task's result
// must depend on its number alone. Neighbouring tasks tend to run on the same thread, in every job.
#pragma once
#include <memory>

namespace fovea {

class Pool {
 public:
  explicit Pool(int threads);  // the calling thread counts as one of them
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const;

  /**
   * Calls body(task, thread) for each task in [0, tasks), on all threads, and waits for the last.
   * `work` is a rough count of arithmetic operations, or of bytes times four, in the whole job: one
   * that is over before another thread could take part runs on the calling thread alone.
   */
  template <class Body>
  void run(int tasks, const Body& body, double work) {
    run(tasks, [](const void* context, int task, int thread) { (*static_cast<const Body*>(context))(task, thread); },
        &body, work);
  }

 private:
  using Task = void (*)(const void* context, int task, int thread);
  void run(int tasks, Task call, const void* context, double work);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fovea

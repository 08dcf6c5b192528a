// A small pool of threads. One caller at a time; tasks are handed out in order of their number, so
// which thread runs a task is not fixed: a task's result must depend on its number alone.
#pragma once
#include <cstddef>

namespace fovea {

class Pool {
 public:
  explicit Pool(int threads);  // the calling thread counts as one of them
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const;

  /** Calls body(task, thread) for each task in [0, tasks), on all threads, and waits for the last. */
  template <class Body>
  void run(int tasks, Body&& body) {
    run(tasks, [](void* context, int task, int thread) { (*static_cast<Body*>(context))(task, thread); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Task = void (*)(void* context, int task, int thread);
  void run(int tasks, Task call, void* context);
  struct State;
  State* state_;
};

}  // namespace fovea

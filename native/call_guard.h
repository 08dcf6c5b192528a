// Lets AddressSanitizer see memory that is shared out in parts: while a call runs, only the buffers that
// it names are in bounds of the arena, and of scratch only what it asked for. Does nothing in other builds.
#pragma once
#include "coordinator.h"
#include "memory.h"
#include "program.h"
#include "sanitize.h"

namespace fovea {

#ifdef __SANITIZE_ADDRESS__

class CallGuard {
 public:
  CallGuard(const Coordinator& coordinator, const Program& program, const Call& call,
            const Block& arena, const Block& scratch, const ScratchBytes& most);
  ~CallGuard();
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;

 private:
  const Block &arena_, &scratch_;
};

#else

class CallGuard {
 public:
  CallGuard(const Coordinator&, const Program&, const Call&, const Block&, const Block&, const ScratchBytes&) {}
};

#endif

}  // namespace fovea

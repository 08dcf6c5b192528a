// The kernels of each instruction set, and which sets this machine can run.
#pragma once
#include <vector>

#include "abi.h"
#include "frame.h"

namespace fovea {

/** By kernel number. */
struct KernelTable {
  const char* name;
  KernelFunction run[kKernelCount];
  ScratchFunction scratch[kKernelCount];
  // Of peak.h.
  double (*multiplyAdds)(int rounds);
  void (*triad)(const float* a, const float* b, float* c, size_t count);
};

/** The tables that were compiled in and that this machine can run, best first. */
std::vector<const KernelTable*> usableTables();

}  // namespace fovea

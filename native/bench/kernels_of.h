// The kernels of one instruction set as a record, so that one program can test and time them all.
#pragma once
#include <vector>
#include "../abi.h"
#include "../frame.h"

namespace fovea::bench {

template <class Args>
struct Entry {
  const char* (*run)(const Args&, const Frame&);
  ScratchBytes (*scratch)(const Args&, int threads);
};

struct Kernels {
  const char* name;
  Entry<MatmulArgs> matmul;
  Entry<Conv2dArgs> conv2d;
  Entry<Conv2dGradInputArgs> conv2dGradInput;
  Entry<Conv2dGradWeightArgs> conv2dGradWeight;
  Entry<MaxPool2dArgs> maxPool2d;
  Entry<MaxPool2dGradArgs> maxPool2dGrad;
  Entry<AvgPool2dArgs> avgPool2d;
  Entry<AvgPool2dGradArgs> avgPool2dGrad;
};

extern const Kernels avx512, avx2, portable;

/** The sets that were compiled in and that this machine can run, best first. */
inline std::vector<const Kernels*> usableSets() {
  std::vector<const Kernels*> sets;
#ifdef FOVEA_HAS_AVX512
  if (__builtin_cpu_supports("avx512bw")) sets.push_back(&avx512);
#endif
#ifdef FOVEA_HAS_AVX2
  if (__builtin_cpu_supports("avx2")) sets.push_back(&avx2);
#endif
#ifdef FOVEA_HAS_PORTABLE
  sets.push_back(&portable);
#endif
  return sets;
}

}  // namespace fovea::bench

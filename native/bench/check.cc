// Checks the dense kernels of every instruction set against plain loops in double precision, over random
// shapes, strides and options, and that results are the same bits on 1, 2 and 3 threads.
//
//   check [cases per kernel] [seed]
#include "check.h"
#include <cstdio>
#include <cstdlib>

using namespace fovea::bench;

int main(int argc, char** argv) {
  const int cases = argc > 1 ? std::atoi(argv[1]) : 300;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1;
  for (const Kernels* kernels : usableSets()) {
    setSeed(seed);
    for (int i = 0; i < cases; ++i) {
      checkMatmul(*kernels);
      checkConv(*kernels);
      checkPools(*kernels);
    }
    checkLargePools(*kernels, 2, 2);
    checkLargePools(*kernels, 3, 2);
    checkLargePools(*kernels, 3, 1);
    std::printf("%s: %d cases, %d failures so far\n", kernels->name, cases, failureCount());
  }
  return failureCount() > 0 ? 1 : 0;
}

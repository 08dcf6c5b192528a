// The two roofs under which kernels are measured (Williams, Waterman and Patterson, "Roofline", 2009): how
// fast an instruction set computes when nothing has to be fetched, and how fast memory streams when next to
// nothing is computed. Coordinator::measurePeaks times both. Compiled per instruction set, like kernels.
#pragma once
#include <cstddef>

#ifndef FOVEA_ISA
#error "compile with -DFOVEA_ISA=avx512, avx2 or portable"
#endif

namespace fovea::FOVEA_ISA {

/** Independent multiply-adds in registers, `rounds` times as many as are under way at once: gives how many. */
double multiplyAdds(int rounds);

/** c = a + 3·b: reads 8 and writes 4 bytes for each of `count` floats, past the caches. 64-byte aligned. */
void triad(const float* a, const float* b, float* c, size_t count);

}  // namespace fovea::FOVEA_ISA

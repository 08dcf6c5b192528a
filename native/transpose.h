// Copies a matrix of 4-byte elements to its transpose.
#pragma once
#include "simd.h"

namespace fovea::FOVEA_ISA {

#if defined(__AVX2__)

/** to[c][r] = from[r][c] for 8 × 8 elements; rows are `fromStride` and `toStride` apart. */
FOVEA_INLINE void transpose8(int32_t* to, int64_t toStride, const int32_t* from,
                             int64_t fromStride) {
  __m256 row[8], pair[8], quad[8];
  for (int i = 0; i < 8; ++i) {
    row[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(from + i * fromStride));
  }
  for (int i = 0; i < 8; i += 2) {  // a0 b0 a1 b1 | a4 b4 a5 b5, then a2 b2 a3 b3 | …
    pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {  // a0 b0 c0 d0 | a4 b4 c4 d4, …
    quad[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
    quad[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {  // a0 … h0, and a4 … h4
    float* low = reinterpret_cast<float*>(to + i * toStride);
    float* high = reinterpret_cast<float*>(to + (i + 4) * toStride);
    _mm256_storeu_ps(low, _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20));
    _mm256_storeu_ps(high, _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31));
  }
}
constexpr int kTransposed = 8;

#else

constexpr int kTransposed = 4;
FOVEA_INLINE void transpose4(int32_t* to, int64_t toStride, const int32_t* from,
                             int64_t fromStride) {
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < 4; ++c) to[c * toStride + r] = from[r * fromStride + c];
  }
}

#endif

/** to[c][r] = from[r][c] for rows × columns elements. */
inline void transpose(int32_t* to, int64_t toStride, const int32_t* from, int64_t fromStride,
                      int rows, int columns) {
  int r = 0;
  for (; r + kTransposed <= rows; r += kTransposed) {
    int c = 0;
    for (; c + kTransposed <= columns; c += kTransposed) {
#if defined(__AVX2__)
      transpose8(to + c * toStride + r, toStride, from + r * fromStride + c, fromStride);
#else
      transpose4(to + c * toStride + r, toStride, from + r * fromStride + c, fromStride);
#endif
    }
    for (; c < columns; ++c) {
      for (int i = r; i < r + kTransposed; ++i) to[c * toStride + i] = from[i * fromStride + c];
    }
  }
  for (; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) to[c * toStride + r] = from[r * fromStride + c];
  }
}

}  // namespace fovea::FOVEA_ISA

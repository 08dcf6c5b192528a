// The one SIMD vocabulary: `vec` is as many floats as the instruction set's registers hold, and the
// compiler's vector extensions do the arithmetic, so that kernels are written once. Intrinsics
// appear only for what the extensions cannot say, or not well: parts of vectors, widening bytes.
//
// Also here: the register tile of the matrix kernel for each instruction set (see gemm.cc).
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace fovea::FOVEA_ISA {

// kTileRows × kTileVectors accumulators, the vectors of one row of B and a broadcast of A must fit
// the register file, and the accumulators must cover the latency of two FMA pipes (8 to 10).
#if defined(__AVX512F__)  // 32 registers of 16 floats
constexpr int kLanes = 16, kTileRows = 8, kTileVectors = 3;
#elif defined(__AVX2__)  // 16 registers of 8 floats
constexpr int kLanes = 8, kTileRows = 6, kTileVectors = 2;
#elif defined(__aarch64__)  // 32 registers of 4 floats
constexpr int kLanes = 4, kTileRows = 8, kTileVectors = 3;
#else  // SSE2: 16 registers of 4 floats
constexpr int kLanes = 4, kTileRows = 4, kTileVectors = 3;
#endif

#define FOVEA_INLINE inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * kLanes)));
typedef int32_t ivec __attribute__((vector_size(4 * kLanes)));
typedef uint8_t bytevec __attribute__((vector_size(kLanes)));
// The same types as they lie in memory: at any address, aliasing anything.
typedef float vecInMemory __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t ivecInMemory __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef uint8_t bytevecInMemory __attribute__((vector_size(kLanes), aligned(1), may_alias));

FOVEA_INLINE vec load(const float* p) { return *reinterpret_cast<const vecInMemory*>(p); }
FOVEA_INLINE void store(float* p, vec v) { *reinterpret_cast<vecInMemory*>(p) = v; }
FOVEA_INLINE vec broadcast(float x) { return x - vec{}; }  // x − 0 is x, −0 and NaN included
FOVEA_INLINE ivec broadcast(int32_t x) { return x + ivec{}; }

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr ivec kLane = {0, 1, 2, 3, 4, 5, 6, 7};
#endif

/** The first `count` lanes from memory, the rest 0; nothing past them is read. */
FOVEA_INLINE vec loadPart(const float* p, int count) {
#if defined(__AVX512F__)
  return (vec)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#elif defined(__AVX2__)
  return (vec)_mm256_maskload_ps(p, (__m256i)(kLane < broadcast(count)));
#else
  vec v{};
  std::memcpy(&v, p, sizeof(float) * static_cast<size_t>(count));
  return v;
#endif
}

/** Stores the first `count` lanes and touches nothing past them. */
FOVEA_INLINE void storePart(float* p, vec v, int count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), (__m512)v);
#elif defined(__AVX2__)
  _mm256_maskstore_ps(p, (__m256i)(kLane < broadcast(count)), (__m256)v);
#else
  std::memcpy(p, &v, sizeof(float) * static_cast<size_t>(count));
#endif
}

/** kLanes bytes as numbers 0…255, and back. GCC 12 would convert them one by one. */
FOVEA_INLINE ivec loadBytes(const uint8_t* p) {
#if defined(__AVX512F__)
  // With a mask of all lanes, as GCC 12 warns about the plain one's own header.
  return (ivec)_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__AVX2__)
  return (ivec)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#else
  return __builtin_convertvector(*reinterpret_cast<const bytevecInMemory*>(p), ivec);
#endif
}
FOVEA_INLINE void storeBytes(uint8_t* p, ivec v) {
  *reinterpret_cast<bytevecInMemory*>(p) = __builtin_convertvector(v, bytevec);
}

/** x < 0 ? 0 : x, so that NaN stays NaN. */
FOVEA_INLINE vec relu(vec v) { return v < vec{} ? vec{} : v; }
FOVEA_INLINE float relu(float x) { return x < 0 ? 0 : x; }

/** The sum of all lanes, pairwise. */
FOVEA_INLINE float sumLanes(vec v) {
  float lane[kLanes];
  store(lane, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

/**
 * body(0), …, body(count − 1), each with its number as a constant. Unrolling in the language, not
 * by the optimiser, is what lets an array of vectors live in registers.
 */
template <class Body, int... I>
FOVEA_INLINE void unroll(std::integer_sequence<int, I...>, Body&& body) {
  (body(std::integral_constant<int, I>{}), ...);
}
template <int count, class Body>
FOVEA_INLINE void unroll(Body&& body) {
  unroll(std::make_integer_sequence<int, count>{}, body);
}

}  // namespace fovea::FOVEA_ISA

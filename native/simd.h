// The one SIMD vocabulary: `vec` is as many floats as the instruction set's registers hold, and the
// compiler's vector extensions do the arithmetic, so that kernels are written once. Intrinsics
// appear only for what the extensions cannot say, or not well: parts of vectors, widening bytes.
//
// Also here: the register tile of the matrix kernels for each instruction set (see tile.h).
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

/** Floats in a line of a cache. */
constexpr int64_t kLineFloats = 16;

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
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)v));
#elif defined(__AVX2__)
  const __m256i low = _mm256_shuffle_epi8(  // the lowest byte of each number, four from each half
      (__m256i)v, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                   0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p),
                   _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
#else
  *reinterpret_cast<bytevecInMemory*>(p) = __builtin_convertvector(v, bytevec);
#endif
}

/** A truth value for each lane, as registers have it, for conditions that go through more than one selection. */
#if defined(__AVX512F__)
typedef __mmask16 mask;
FOVEA_INLINE mask equal(ivec a, ivec b) { return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b); }
FOVEA_INLINE mask equal(vec a, vec b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ); }
FOVEA_INLINE mask unordered(vec a, vec b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_UNORD_Q); }
FOVEA_INLINE bool isAny(mask m) { return m != 0; }
FOVEA_INLINE vec select(mask m, vec a, vec b) { return (vec)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); }
FOVEA_INLINE ivec select(mask m, ivec a, ivec b) { return (ivec)_mm512_mask_blend_epi32(m, (__m512i)b, (__m512i)a); }
FOVEA_INLINE mask beats(vec v, vec best) {
  return _mm512_mask_cmp_ps_mask(equal(best, best), (__m512)v, (__m512)best, _CMP_NLE_UQ);
}
FOVEA_INLINE vec largerNumber(vec a, vec b) { return (vec)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b); }
FOVEA_INLINE vec smallerNumber(vec a, vec b) { return (vec)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b); }
#else
typedef ivec mask;
FOVEA_INLINE mask equal(ivec a, ivec b) { return a == b; }
FOVEA_INLINE mask equal(vec a, vec b) { return a == b; }
FOVEA_INLINE vec select(mask m, vec a, vec b) { return m ? a : b; }
FOVEA_INLINE ivec select(mask m, ivec a, ivec b) { return m ? a : b; }
/** Whether v is the larger, or is NaN when `best` is not. */
FOVEA_INLINE mask beats(vec v, vec best) { return ~(v <= best) & (best == best); }
#if defined(__AVX2__)
FOVEA_INLINE mask unordered(vec a, vec b) { return (mask)_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_UNORD_Q); }
FOVEA_INLINE bool isAny(mask m) { return _mm256_movemask_ps((__m256)m) != 0; }
FOVEA_INLINE vec largerNumber(vec a, vec b) { return (vec)_mm256_max_ps((__m256)a, (__m256)b); }
FOVEA_INLINE vec smallerNumber(vec a, vec b) { return (vec)_mm256_min_ps((__m256)a, (__m256)b); }
#else
FOVEA_INLINE mask unordered(vec a, vec b) { return ~((a == a) & (b == b)); }
FOVEA_INLINE bool isAny(mask m) {
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= m[i];
  return any != 0;
}
/** a > b ? a : b, and a < b ? a : b: b where one of them is NaN. */
FOVEA_INLINE vec largerNumber(vec a, vec b) { return a > b ? a : b; }
FOVEA_INLINE vec smallerNumber(vec a, vec b) { return a < b ? a : b; }
#endif
#endif

/**
 * Stores past the caches what will not be read before it has left them, so that its lines are not
 * fetched first: p must be a multiple of the vector's size. Before other threads may read: streamed().
 */
FOVEA_INLINE void stream(float* p, vec v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
  _mm256_stream_ps(p, (__m256)v);
#else
  store(p, v);
#endif
}
inline void streamed() {
#if defined(__AVX2__)
  _mm_sfence();
#endif
}

/** The first halves of two vectors as one, and the last: which takes them apart again. */
FOVEA_INLINE vec firstHalves(vec a, vec b) {
#if defined(__AVX512F__)
  return (vec)_mm512_maskz_shuffle_f32x4(0xffff, (__m512)a, (__m512)b, 0x44);
#elif defined(__AVX2__)
  return (vec)_mm256_permute2f128_ps((__m256)a, (__m256)b, 0x20);
#else
  std::memcpy(reinterpret_cast<char*>(&a) + sizeof(vec) / 2, &b, sizeof(vec) / 2);
  return a;
#endif
}
FOVEA_INLINE vec lastHalves(vec a, vec b) {
#if defined(__AVX512F__)
  return (vec)_mm512_maskz_shuffle_f32x4(0xffff, (__m512)a, (__m512)b, 0xee);
#elif defined(__AVX2__)
  return (vec)_mm256_permute2f128_ps((__m256)a, (__m256)b, 0x31);
#else
  std::memcpy(&b, reinterpret_cast<char*>(&a) + sizeof(vec) / 2, sizeof(vec) / 2);
  return b;
#endif
}

/** x < 0 ? 0 : x, so that NaN stays NaN. */
FOVEA_INLINE vec relu(vec v) { return v < vec{} ? vec{} : v; }
FOVEA_INLINE float relu(float x) { return x < 0 ? 0 : x; }

/** 0 where y ≤ 0 (where it is NaN, v stays): a ReLU's gradient, y being its result. */
FOVEA_INLINE vec masked(vec v, vec y) { return y <= vec{} ? vec{} : v; }
FOVEA_INLINE float masked(float x, float y) { return y <= 0 ? 0 : x; }

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

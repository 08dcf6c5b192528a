// Transcendental functions of whole vectors, to one to three units in the last place of an f32;
// infinities, NaN, subnormal numbers and overflow come out as IEEE 754 wants them.
//
// The polynomials are least-maximum fits on the intervals named beside them, made for these files.
#pragma once
#include "simd.h"

namespace fovea::FOVEA_ISA {

typedef uint32_t uvec __attribute__((vector_size(4 * kLanes)));

/** The coefficients of a polynomial, lowest power first. */
template <int count>
struct Polynomial {
  float c[count];
};

template <int count>
FOVEA_INLINE vec evaluate(const Polynomial<count>& p, vec x) {
  vec sum = broadcast(p.c[count - 1]);
  for (int i = count - 2; i >= 0; --i) sum = sum * x + p.c[i];
  return sum;
}

/** e^x = 2^n·e^r with |r| ≤ ln2/2, and e^r = 1 + r + r²·p(r). */
FOVEA_INLINE vec vexp(vec x) {
  constexpr Polynomial<5> p = {
      {0.5f, 0x1.55548cp-3f, 0x1.55545cp-5f, 0x1.123d0cp-7f, 0x1.6db68ap-10f}};
  constexpr float log2e = 1.44269504f, ln2High = 0x1.63p-1f, ln2Low = -2.12194440e-4f;
  constexpr float rounder = 0x1.8p23f;  // what it is added to loses its fraction
  // Beyond these bounds the result is infinity or 0 whatever x is; NaN fails both comparisons.
  x = x > 90.0f ? broadcast(90.0f) : x;
  x = x < -105.0f ? broadcast(-105.0f) : x;
  const vec n = (x * log2e + rounder) - rounder;
  const vec r = (x - n * ln2High) - n * ln2Low;
  const vec power = evaluate(p, r) * r * r + r + 1.0f;
  // 2^n in two factors: n may lie outside the exponents of normal numbers.
  const ivec whole = __builtin_convertvector(n == n ? n : vec{}, ivec);
  const ivec half = whole >> 1;
  return power * (vec)((half + 127) << 23) * (vec)((whole - half + 127) << 23);
}

/** x = 2^n·(1+f) with 1+f in [√½, √2); log(1+f) = f − f²/2 + f³·p(f). */
FOVEA_INLINE vec vlog(vec x) {
  constexpr Polynomial<9> p = {{0x1.555548p-2f, -0x1.000006p-2f, 0x1.99a4bcp-3f, -0x1.555c5ap-3f,
                                0x1.2336e2p-3f, -0x1.fc1f6ap-4f, 0x1.e6f60cp-4f, -0x1.de4fb0p-4f,
                                0x1.14631ap-4f}};
  constexpr float ln2High = 0x1.63p-1f, ln2Low = -2.12194440e-4f;
  constexpr int32_t sqrtHalf = 0x3f3504f3;
  const ivec isTiny = x < 0x1p-126f;
  const ivec bits = (ivec)(isTiny ? x * 0x1p23f : x);
  // Adding 1 − √½ in bits carries into the exponent exactly where the mantissa is √½ or more.
  const ivec shifted = (ivec)((uvec)bits + static_cast<uint32_t>(0x3f800000 - sqrtHalf));
  const ivec exponent = (shifted >> 23) - 127 - (isTiny & 23);
  const vec f = (vec)((shifted & 0x7fffff) + sqrtHalf) - 1.0f;
  const vec n = __builtin_convertvector(exponent, vec);
  const vec square = f * f;
  const vec rest = evaluate(p, f) * f * square + n * ln2Low - square * 0.5f;
  vec result = n * ln2High + (f + rest);
  result = x == __builtin_inff() ? x : result;
  result = x == 0.0f ? broadcast(-__builtin_inff()) : result;
  return ((x < 0.0f) | (x != x)) ? broadcast(__builtin_nanf("")) : result;
}

FOVEA_INLINE vec vabs(vec x) { return (vec)((ivec)x & 0x7fffffff); }

/** The size of `size` with the sign of `sign`. */
FOVEA_INLINE vec copySign(vec size, vec sign) {
  return (vec)(((ivec)size & 0x7fffffff) | ((ivec)sign & (ivec)broadcast(-0.0f)));
}

/**
 * 1/(1 + e^−x), where e^−x = s²·p(r) with s = 2^h and |r| ≤ ln2: as (1/s)/(1/s + s·p(r)), in which nothing
 * overflows, and small results are rounded once. p is e^r to 2^-26 of it, and the whole to 3 units in the last
 * place, to 3.5 without fused multiply-adds.
 */
FOVEA_INLINE vec vsigmoid(vec x) {
  constexpr Polynomial<8> p = {{1.0f, 1.0f, 0x1.00000cp-1f, 0x1.555514p-3f, 0x1.5549f0p-5f, 0x1.1126eap-7f,
                                0x1.71bee4p-10f, 0x1.9ba66cp-13f}};
  constexpr float halfLog2e = 0.72134752f, ln2High = 0x1.63p0f, ln2Low = -4.24388880e-4f;  // of 2·ln2
  constexpr float rounder = 0x1.8p23f + 127;  // leaves h + 127 in the lowest bits
  // Beyond these bounds the result is 1 or 0 whatever x is; NaN stays.
  x = smallerNumber(broadcast(105.0f), largerNumber(broadcast(-105.0f), x));
  const vec shifted = rounder - x * halfLog2e;
  const vec h = shifted - rounder;
  const vec r = -(x + h * ln2High) - h * ln2Low;
  const vec s = (vec)((uvec)shifted << 23), inverse = (vec)((254 - (uvec)shifted) << 23);
  return inverse / (evaluate(p, r) * s + inverse);
}

/** Near 0: x + x³·p(x²) on [0, 0.625]; else 1 − 2/(e^2|x| + 1). */
FOVEA_INLINE vec vtanh(vec x) {
  constexpr Polynomial<6> p = {{-0x1.555554p-2f, 0x1.11103ep-3f, -0x1.b9e65ep-5f, 0x1.633044p-6f,
                                -0x1.0a2d7ep-7f, 0x1.125012p-9f}};
  const vec size = vabs(x), square = x * x;
  const vec near = evaluate(p, square) * square * x + x;
  const vec far = 1.0f - 2.0f / (vexp(size + size) + 1.0f);
  return size < 0.625f ? near : x != x ? x : copySign(far, x);
}

/** Near 0: x + x·p(x²) on [0, 0.92]; else 1 − erfc, where q(t) = −log erfc(t) on [0.92, 4]. */
FOVEA_INLINE vec verf(vec x) {
  constexpr Polynomial<7> p = {{0x1.06eba8p-3f, -0x1.812742p-2f, 0x1.ce2e0ap-4f, -0x1.b80e92p-6f,
                                0x1.54c7fap-8f, -0x1.aa3f4cp-11f, 0x1.5cd500p-14f}};
  constexpr Polynomial<8> q = {{-0x1.70d52cp-13f, 0x1.212846p+0f, 0x1.444472p-1f, 0x1.bb926ap-4f,
                                -0x1.9bb50ap-6f, 0x1.1196d0p-8f, -0x1.c85beap-12f, 0x1.63094ep-16f}};
  const vec size = vabs(x);
  const vec near = evaluate(p, x * x) * x + x;
  // At 4 and above erf is 1 to the last bit.
  const vec bounded = size < 4.0f ? size : broadcast(4.0f);
  const vec far = 1.0f - vexp(-evaluate(q, bounded));
  return size < 0.92f ? near : x != x ? x : copySign(far, x);
}

FOVEA_INLINE uvec rotate(uvec x, int bits) { return x << bits | x >> (32 - bits); }

/** The first output word of Threefry-2x32-20 (Salmon et al., SC 2011). */
FOVEA_INLINE uvec threefry(uvec key0, uvec key1, uvec counter0, uvec counter1) {
  constexpr int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uvec keys[3] = {key0, key1, key0 ^ key1 ^ 0x1bd11bdau};
  uvec a = counter0 + key0, b = counter1 + key1;
  for (int group = 0; group < 5; ++group) {
    for (int round = 0; round < 4; ++round) {
      a += b;
      b = rotate(b, rotations[(4 * group + round) % 8]) ^ a;
    }
    a += keys[(group + 1) % 3];
    b += keys[(group + 2) % 3] + static_cast<uint32_t>(group + 1);
  }
  return a;
}

}  // namespace fovea::FOVEA_ISA

// Turning images into lanes and back. See conv_lanes.h.
#include "conv_lanes.h"
#include <algorithm>
#include "transpose.h"

namespace fovea::FOVEA_ISA {

namespace {

/** a and b lane by lane, a0 b0 a1 b1 …: of their first halves (0), or of their second ones (1). */
template <int half, int... lane>
FOVEA_INLINE vec interleave(vec a, vec b, std::integer_sequence<int, lane...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, (half * kLanes / 2 + lane / 2 + lane % 2 * kLanes)...);
#else
  return __builtin_shuffle(a, b, ivec{(half * kLanes / 2 + lane / 2 + lane % 2 * kLanes)...});
#endif
}

/**
 * Transposes kLanes vectors of kLanes lanes. Interleaving the first half of the rows with the second
 * rotates the bits of (row, lane) by one place; log2(kLanes) times exchanges row and lane.
 */
FOVEA_INLINE void transpose(vec (&v)[kLanes]) {
  constexpr auto lanes = std::make_integer_sequence<int, kLanes>{};
  constexpr int stages = kLanes == 16 ? 4 : kLanes == 8 ? 3 : 2;
  unroll<stages>([&](auto) {
    vec next[kLanes];
    unroll<kLanes / 2>([&](auto i) {
      next[2 * i] = interleave<0>(v[i], v[i + kLanes / 2], lanes);
      next[2 * i + 1] = interleave<1>(v[i], v[i + kLanes / 2], lanes);
    });
    unroll<kLanes>([&](auto i) { v[i] = next[i]; });
  });
}

/** to[i·toStep + j] = from[j·fromStep + i] for i, j < kLanes. */
FOVEA_INLINE void transposeBlock(float* to, ptrdiff_t toStep, const float* from, ptrdiff_t fromStep) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  transpose8(reinterpret_cast<int32_t*>(to), toStep, reinterpret_cast<const int32_t*>(from), fromStep);
#else
  vec v[kLanes];
  unroll<kLanes>([&](auto i) { v[i] = load(from + i * fromStep); });
  transpose(v);
  unroll<kLanes>([&](auto i) { store(to + i * toStep, v[i]); });
#endif
}

/** to[k·toStep + lane] = from[lane·image + k] for k < run, lane < count; 0 in the other lanes. */
void toLanes(float* to, ptrdiff_t toStep, const float* from, ptrdiff_t image, int count, int64_t run) {
  for (int64_t k = 0; k < run; k += kLanes, from += kLanes, to += kLanes * toStep) {
    const int part = static_cast<int>(std::min<int64_t>(kLanes, run - k));
    if (part == kLanes && count == kLanes) {
      transposeBlock(to, toStep, from, image);
    } else {
      vec v[kLanes];
      unroll<kLanes>([&](auto i) { v[i] = i < count ? loadPart(from + i * image, part) : vec{}; });
      transpose(v);
      unroll<kLanes>([&](auto i) { if (i < part) store(to + i * toStep, v[i]); });
    }
  }
}

/** to[lane·image + k] = from[k·fromStep + lane] for k < run, lane < count. */
void fromLanes(float* to, ptrdiff_t image, const float* from, ptrdiff_t fromStep, int count, int64_t run) {
  for (int64_t k = 0; k < run; k += kLanes, to += kLanes, from += kLanes * fromStep) {
    const int part = static_cast<int>(std::min<int64_t>(kLanes, run - k));
    if (part == kLanes && count == kLanes) {
      transposeBlock(to, image, from, fromStep);
    } else {
      vec v[kLanes];
      unroll<kLanes>([&](auto i) { v[i] = i < part ? load(from + i * fromStep) : vec{}; });
      transpose(v);
      unroll<kLanes>([&](auto i) { if (i < count) storePart(to + i * image, v[i], part); });
    }
  }
}

/**
 * Calls body(offset in memory, element of [column][channel], its step, run) for runs of `columns`
 * columns of a row that are contiguous in memory, as long as the layout allows.
 */
template <class Body>
void forEachRun(const Images& images, int64_t columns, const Body& body) {
  if (images.c == 1 && (images.w == images.channels || columns == 1)) {
    body(0, 0, 1, columns * images.channels);
  } else if (images.w == 1) {
    for (int64_t c = 0; c < images.channels; ++c) body(c * images.c, c, images.channels, columns);
  } else if (images.c == 1) {
    for (int64_t j = 0; j < columns; ++j) body(j * images.w, j * images.channels, 1, images.channels);
  } else {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t c = 0; c < images.channels; ++c) {
        body(j * images.w + c * images.c, j * images.channels + c, 1, 1);
      }
    }
  }
}

}  // namespace

void LaneReader::read(float* to, int64_t image, int count, int64_t row) const {
  const int64_t left = std::clamp<int64_t>(-firstColumn, 0, columns);
  const int64_t right = std::clamp<int64_t>(images.width - firstColumn, left, columns);
  const int64_t pixel = images.channels * kLanes;
  std::fill(to, to + left * pixel, 0.0f);
  std::fill(to + right * pixel, to + columns * pixel, 0.0f);
  const float* from = images.data + image * images.n + row * images.h + (firstColumn + left) * images.w;
  forEachRun(images, right - left, [&](ptrdiff_t at, int64_t element, int64_t step, int64_t run) {
    toLanes(to + left * pixel + element * kLanes, step * kLanes, from + at, images.n, count, run);
  });
}

void writeLanes(float* data, const Images& images, const float* from, int64_t image, int count,
                int64_t row) {
  float* to = data + image * images.n + row * images.h;
  forEachRun(images, images.width, [&](ptrdiff_t at, int64_t element, int64_t step, int64_t run) {
    fromLanes(to + at, images.n, from + element * kLanes, step * kLanes, count, run);
  });
}

LaneTiling tileLanes(int64_t batch, int64_t rows, int64_t step, int64_t extent, int64_t rowFloats,
                     int64_t atLeast) {
  const int64_t most = (kBandFloats / std::max<int64_t>(rowFloats, 1) - extent) / step + 1;
  const int64_t imageGroups = divideUp(batch, kLanes);
  if (most < 1 || extent * rowFloats > kBandFloats || rows < 1) return {imageGroups, 0, 0};
  const int64_t bands =
      std::clamp(divideUp(atLeast, imageGroups), divideUp(rows, std::min(rows, most)), rows);
  const int64_t bandRows = divideUp(rows, bands);
  return {imageGroups, divideUp(rows, bandRows), bandRows};
}

}  // namespace fovea::FOVEA_ISA

// See winograd_tile.h; the arithmetic is in winograd_transform.h.
#include "winograd_tile.h"
#include "winograd_transform.h"

namespace fovea::FOVEA_ISA {

namespace {

/** body(channel, true) for each whole vector of channels, and body(channel, false) for a rest. */
template <class Body>
FOVEA_INLINE void eachVector(int64_t channels, Body&& body) {
  const int64_t whole = channels / kLanes * kLanes;
  for (int64_t c = 0; c < whole; c += kLanes) body(c, std::true_type{});
  if (whole < channels) body(whole, std::false_type{});
}

template <int alpha>
void transformInput(const float* const* from, const float* const* next, int64_t channels, float* to,
                    ptrdiff_t point) {
  const int rest = static_cast<int>(channels % kLanes);
  eachVector(channels, [&](int64_t c, auto isWhole) __attribute__((always_inline)) {
    transformPixels<InputTransform<alpha>>(from, next, c, isWhole, rest, to + c, point);
  });
}

template <int m, int r>
void transformFilter(const float* from, int64_t width, float* to, ptrdiff_t point) {
  constexpr int alpha = m + r - 1;
  for (int64_t k = 0; k < width; k += kLanes) {
    transformTile<FilterTransform<m, r>>([&](int i, int j) { return load(from + (i * r + j) * width + k); },
                                         [&](int i, int j, vec v) { store(to + k + (i * alpha + j) * point, v); });
  }
}

template <int m, int r>
void transformResult(const float* from, ptrdiff_t point, int64_t channels, const TileFinish& finish,
                     const TileResults& at, const TileResults& next) {
  constexpr int alpha = m + r - 1;
  const int rest = static_cast<int>(channels % kLanes);
  eachVector(channels, [&](int64_t c, auto isWhole) __attribute__((always_inline)) {
    const vec bias = finish.bias ? load(finish.bias + c) : vec{};
    transformTile<ResultTransform<m, r>>(
        [&](int i, int j) { return load(from + c + (i * alpha + j) * point); },
        [&](int i, int j, vec v) {
          __builtin_prefetch(next.to[i * m + j] + c, 1);
          if (finish.bias) v += bias;
          if (finish.relu) v = relu(v);
          if (at.mask) {
            __builtin_prefetch(next.mask[i * m + j] + c);
            const float* p = at.mask[i * m + j] + c;
            v = masked(v, isWhole ? load(p) : loadPart(p, rest));
          }
          float* p = at.to[i * m + j] + c;
          if (isWhole) store(p, v);
          else storePart(p, v, rest);
        });
  });
}

template <int m, int r>
constexpr TileTransforms kTransforms = {m + r - 1, m, r, transformInput<m + r - 1>, transformFilter<m, r>,
                                        transformResult<m, r>};

}  // namespace

const TileTransforms& tileTransforms(int64_t algorithm, int64_t r) {
  if (algorithm == kConvWinograd6) return r == 3 ? kTransforms<4, 3> : kTransforms<2, 5>;
  return r == 3 ? kTransforms<6, 3> : kTransforms<4, 5>;
}

}  // namespace fovea::FOVEA_ISA

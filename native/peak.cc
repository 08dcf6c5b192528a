#include "peak.h"

#include "simd.h"

namespace fovea::FOVEA_ISA {

double multiplyAdds(int rounds) {
  // Two pipes of at most five cycles need ten chains; with the two factors they fit 16 registers.
  constexpr int kChains = 12;
  volatile float opaque[2] = {0.5f, 1.0f};  // so that nothing is known of the factors beforehand
  const vec scale = broadcast(opaque[0]), shift = broadcast(opaque[1]);
  vec chain[kChains];
  unroll<kChains>([&](auto i) { chain[i] = broadcast(static_cast<float>(i())); });
  for (int round = 0; round < rounds; ++round) {
    unroll<kChains>([&](auto i) { chain[i] = chain[i] * scale + shift; });
  }
  vec sum{};
  unroll<kChains>([&](auto i) { sum += chain[i]; });
  opaque[0] = sumLanes(sum);
  return static_cast<double>(rounds) * kChains * kLanes;
}

void triad(const float* a, const float* b, float* c, size_t count) {
  const vec scale = broadcast(3.0f);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) stream(c + i, load(a + i) + scale * load(b + i));
  streamed();
  for (; i < count; ++i) c[i] = a[i] + 3 * b[i];
}

}  // namespace fovea::FOVEA_ISA

// Max pools of maps that are larger than caches, which are written past them: five images at once must give
// the same bits as each of them alone.
#include <cstdlib>
#include <cstring>
#include "check.h"
#include "scratch.h"
#include "layouts.h"

namespace fovea::bench {

namespace {

constexpr int64_t kBatch = 5, kChannels = 32, kSide = 202;

/** Aligned memory, since only that is written past the caches. */
struct Maps {
  char *x, *y, *index, *gx;
  /** Of `count` images with `xs` and `ys` elements each. */
  Maps(size_t count, size_t xs, size_t ys) {
    for (char** map : {&x, &y, &index, &gx}) {
      const size_t elements = count * (map == &y || map == &index ? ys : xs);
      const size_t bytes = map == &index ? elements : elements * sizeof(float);
      void* memory = nullptr;
      if (posix_memalign(&memory, 64, bytes) != 0) std::abort();
      *map = static_cast<char*>(std::memset(memory, 0x55, bytes));
    }
  }
  ~Maps() { for (char* map : {x, y, index, gx}) std::free(map); }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;
};

}  // namespace

void checkLargePools(const Kernels& kernels, int64_t kernel, int64_t stride) {
  const int64_t in[] = {kSide, kSide}, side = (kSide - kernel) / stride + 1, out[] = {side, side};
  const auto runBoth = [&](const Maps& maps, int64_t count, Pool& pool) {
    const PoolGeometry g{count, kChannels, {in[0], in[1]}, {out[0], out[1]}, {kernel, kernel},
                         {stride, stride}, {0, 0}, {1, 1}};
    const Operand x = images(0, kChannels, in), y = images(1, kChannels, out),
                  index = images(2, kChannels, out, kU8), gx = images(3, kChannels, in);
    char* buffers[] = {maps.x, maps.y, maps.index, maps.gx};
    const MaxPool2dGradArgs back{g, y, index, gx};
    const Scratch scratch(kernels.maxPool2dGrad.scratch(back, pool.threads()), pool);
    kernels.maxPool2d.run({g, x, y, index}, scratch.frame(buffers, pool));
    kernels.maxPool2dGrad.run(back, scratch.frame(buffers, pool));
  };
  const size_t xs = static_cast<size_t>(kChannels * kSide * kSide), ys = static_cast<size_t>(kChannels * side * side);
  Maps all(kBatch, xs, ys), one(1, xs, ys);
  for (size_t i = 0; i < kBatch * xs; ++i) {
    reinterpret_cast<float*>(all.x)[i] = static_cast<float>(between(0, 999)) / 100;
  }
  setCase(kernels, "large maxPool2d " + std::to_string(kernel) + " " + std::to_string(stride));
  runBoth(all, kBatch, *pools().back());
  for (size_t n = 0; n < kBatch; ++n) {
    std::memcpy(one.x, all.x + 4 * n * xs, 4 * xs);
    runBoth(one, 1, *pools().front());
    if (std::memcmp(one.y, all.y + 4 * n * ys, 4 * ys) != 0) fail("y");
    if (std::memcmp(one.index, all.index + n * ys, ys) != 0) fail("index");
    if (std::memcmp(one.gx, all.gx + 4 * n * xs, 4 * xs) != 0) fail("gx");
  }
}

}  // namespace fovea::bench

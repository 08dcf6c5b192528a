// Max and average pools, forward and backward: ties, NaN and −∞, ceil mode, indices of either type.
#include <limits>
#include "check.h"
#include "windows.h"

namespace fovea::bench {

namespace {

/** A random pool, and how to check what it and its gradient compute. */
class PoolCheck {
 public:
  explicit PoolCheck(const Kernels& kernels) : kernels_(kernels) {}

  void max() {
    Tensor x = images(0, g_.inSize), y = images(1, g_.outSize);
    Tensor index = oneIn(5) ? Tensor() : images(2, g_.outSize, oneIn(3) ? kI32 : kU8);
    const int nans = oneIn(2) ? 40 : 1 << 30;
    x.each([&](const Index& at) {  // few different values, so that there are ties
      x(at) = oneIn(nans) ? NAN : oneIn(30) ? -std::numeric_limits<float>::infinity() : static_cast<float>(between(-5, 5));
    });
    setCase("maxPool2d");
    runAll(kernels_.maxPool2d, {g_, x.operand, y.operand, index.operand}, {&x, &y, &index}, {&y, &index});
    Tensor chosen = images(1, g_.outSize, index.isGiven() ? static_cast<DType>(index.operand.dtype) : kU8);
    expect(y, [&](const Index& at) {
      double best = 0;
      int64_t where = -1;
      eachTap(g_, at[2], at[3], [&](int64_t row, int64_t column, int64_t i, int64_t j) {
        const double v = x({at[0], at[1], row, column});
        if (where < 0 || v > best || (std::isnan(v) && !std::isnan(best))) best = v, where = tap(i, j);
      });
      chosen.setInteger(at, where);
      if (index.isGiven() && index.integer(at) != where) fail("index");
      return Expected{best};
    });
    maxGrad(chosen);
  }

  void average() {
    Tensor x = images(0, g_.inSize), y = images(1, g_.outSize);
    x.randomise();
    setCase("avgPool2d");
    runAll(kernels_.avgPool2d, {g_, countsPadding_, x.operand, y.operand}, {&x, &y}, {&y});
    expect(y, [&](const Index& at) {
      double sum = 0;
      eachTap(g_, at[2], at[3], [&](int64_t row, int64_t column, int64_t, int64_t) {
        sum += x({at[0], at[1], row, column});
      });
      return Expected{sum / divisor(at)};
    });
    Tensor gy = images(0, g_.outSize), gx = images(1, g_.inSize);
    gy.randomise();
    Sums sums(gx);
    gy.each([&](const Index& at) {
      eachTap(g_, at[2], at[3], [&](int64_t row, int64_t column, int64_t, int64_t) {
        sums.add({at[0], at[1], row, column}, gy(at) / divisor(at));
      });
    });
    setCase("avgPool2dGrad");
    runAll(kernels_.avgPool2dGrad, {g_, countsPadding_, gy.operand, gx.operand}, {&gy, &gx}, {&gx});
    expectSums(gx, sums);
  }

 private:
  /** `chosen`: the tap of each window that was the largest, as the kernel's buffer 1. */
  void maxGrad(Tensor& chosen) {
    Tensor gy = images(0, g_.outSize), gx = images(2, g_.inSize);
    gy.randomise();
    Sums sums(gx);
    gy.each([&](const Index& at) {
      eachTap(g_, at[2], at[3], [&](int64_t row, int64_t column, int64_t i, int64_t j) {
        if (tap(i, j) == chosen.integer(at)) sums.add({at[0], at[1], row, column}, gy(at));
      });
    });
    setCase("maxPool2dGrad");
    runAll(kernels_.maxPool2dGrad, {g_, gy.operand, chosen.operand, gx.operand}, {&gy, &chosen, &gx}, {&gx});
    expectSums(gx, sums);
  }

  Tensor images(int64_t buffer, const int64_t* size, DType dtype = kF32) const {
    return Tensor(buffer, {g_.batch, g_.channels, size[0], size[1]},
                  isLast_ ? channelsLast() : std::vector<int>{}, dtype);
  }
  int64_t tap(int64_t i, int64_t j) const { return i * g_.kernelSize[1] + j; }
  /** What a window's sum is divided by. */
  double divisor(const Index& at) const {
    double taps = 0;
    eachTap(g_, at[2], at[3], [&](int64_t, int64_t, int64_t, int64_t) { ++taps; },
            countsPadding_ ? g_.padding : nullptr);
    return taps;
  }
  static void expectSums(Tensor& gx, const Sums& sums) {
    expect(gx, [&](const Index& at) { return Expected{sums.value(at), 10}; });
  }
  void setCase(const char* kernel) const { bench::setCase(kernels_, kernel + textOf(g_)); }

  const Kernels& kernels_;
  const PoolGeometry g_ = randomPool();
  const bool isLast_ = !oneIn(3);
  const int64_t countsPadding_ = oneIn(2);
};

}  // namespace

void checkPools(const Kernels& kernels) {
  PoolCheck check(kernels);
  check.max();
  check.average();
}

}  // namespace fovea::bench

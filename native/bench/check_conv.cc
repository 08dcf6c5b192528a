// Convolutions and both of their gradients, by every algorithm that takes the shape.
#include "check.h"
#include "windows.h"

namespace fovea::bench {

namespace {

/**
 * Winograd's tolerances, relative to the largest Σ |terms| of a result: the transforms enlarge one rounding
 * of 2⁻²⁴ by up to (max over i of Σ over j of |Aᵀ|ᵢⱼ · Σ|G|ⱼ · Σ|Bᵀ|ⱼ, over the m terms of a tile)², which is
 * 78 for F(3, 4), 97 for F(4, 3), 71 for F(2, 5), 142 for F(5, 2), and 269, 509, 301, 373 for F(3, 6), F(6, 3),
 * F(4, 5), F(5, 4). That many roundings never align.
 */
double toleranceOf(int64_t algorithm) {
  return algorithm == kConvWinograd6 ? 0x1p-24 * 142 : algorithm == kConvWinograd8 ? 0x1p-24 * 509 : kDirect;
}

/** A random convolution, and how to check what it and its gradients compute. */
class ConvCheck {
 public:
  explicit ConvCheck(const Kernels& kernels) : kernels_(kernels) {
    if (takesWinograd(g_)) algorithms_.insert(algorithms_.end(), {kConvWinograd6, kConvWinograd8});
  }

  void forward() {
    Tensor x = images(0, g_.inChannels, g_.inSize), w = weights(1), y = images(2, g_.outChannels, g_.outSize);
    Tensor bias = perhaps(Tensor(3, {g_.outChannels}));
    x.randomise(), w.randomise(), bias.randomise();
    Sums sums(y);
    eachTerm([&](const Index& inY, const Index& inX, const Index& inW) {
      sums.add(inY, double(x(inX)) * w(inW));
    });
    for (const int64_t algorithm : algorithms_) {
      setCase("conv2d", algorithm);
      const int64_t activation = oneIn(2) ? kRelu : kNone;
      runAll(kernels_.conv2d, {g_, algorithm, x.operand, w.operand, y.operand, bias.operand, activation},
             {&x, &w, &y, &bias}, {&y});
      expectSums(y, algorithm, sums, [&](const Index& at, double sum) {
        if (bias.isGiven()) sum += bias({at[1]});
        return activation == kRelu && sum < 0 ? 0.0 : sum;
      });
    }
  }

  void gradInput() {
    Tensor gy = images(0, g_.outChannels, g_.outSize), w = weights(1), gx = images(2, g_.inChannels, g_.inSize);
    Tensor mask = perhaps(images(3, g_.inChannels, g_.inSize));
    gy.randomise(), w.randomise(), mask.randomise();
    Sums sums(gx);
    eachTerm([&](const Index& inY, const Index& inX, const Index& inW) {
      sums.add(inX, double(gy(inY)) * w(inW));
    });
    for (const int64_t algorithm : algorithms_) {
      setCase("conv2dGradInput", algorithm);
      runAll(kernels_.conv2dGradInput, {g_, algorithm, gy.operand, w.operand, gx.operand, mask.operand},
             {&gy, &w, &gx, &mask}, {&gx});
      expectSums(gx, algorithm, sums, [&](const Index& at, double sum) {
        return mask.isGiven() && mask(at) <= 0 ? 0.0 : sum;
      });
    }
  }

  void gradWeight() {
    Tensor x = images(0, g_.inChannels, g_.inSize), gy = images(1, g_.outChannels, g_.outSize), gw = weights(2);
    Tensor gbias = perhaps(Tensor(3, {g_.outChannels}));
    x.randomise(), gy.randomise();
    Sums sums(gw), biasSums(gbias);
    eachTerm([&](const Index& inY, const Index& inX, const Index& inW) {
      sums.add(inW, double(gy(inY)) * x(inX));
    });
    if (gbias.isGiven()) gy.each([&](const Index& at) { biasSums.add({at[1]}, gy(at)); });
    for (const int64_t algorithm : algorithms_) {
      setCase("conv2dGradWeight", algorithm);
      runAll(kernels_.conv2dGradWeight, {g_, algorithm, x.operand, gy.operand, gw.operand, gbias.operand},
             {&x, &gy, &gw, &gbias}, {&gw, &gbias});
      expectSums(gw, algorithm, sums, [](const Index&, double sum) { return sum; });
      expect(gbias, [&](const Index& at) { return Expected{biasSums.value(at), biasSums.size(at)}; });
    }
  }

 private:
  Tensor images(int64_t buffer, int64_t channels, const int64_t* size) const {
    return Tensor(buffer, {g_.batch, channels, size[0], size[1]},
                  isLast_ ? channelsLast() : std::vector<int>{});
  }
  Tensor weights(int64_t buffer) const {
    return Tensor(buffer, {g_.outChannels, g_.inChannels / g_.groups, g_.kernelSize[0], g_.kernelSize[1]},
                  oneIn(2) ? std::vector<int>{0, 1, 2, 3} : std::vector<int>{});
  }
  static Tensor perhaps(const Tensor& tensor) { return oneIn(2) ? tensor : Tensor(); }

  /** Calls body(index in y, index in x, index in w) for each product that the convolution sums. */
  template <class Body>
  void eachTerm(const Body& body) const {
    const int64_t ic = g_.inChannels / g_.groups, oc = g_.outChannels / g_.groups;
    Tensor(0, {g_.batch, g_.outChannels, g_.outSize[0], g_.outSize[1]}, {0, 1, 2, 3}).each([&](const Index& y) {
      Index x = {y[0], 0, 0, 0}, w = {y[1], 0, 0, 0};
      eachTap(g_, y[2], y[3], [&](int64_t row, int64_t column, int64_t i, int64_t j) {
        x[2] = row, x[3] = column, w[2] = i, w[3] = j;
        for (int64_t c = 0; c < ic; ++c) {
          x[1] = y[1] / oc * ic + c, w[1] = c;
          body(y, x, w);
        }
      });
    });
  }

  /** Winograd's roundings are as large as the tile's largest sum, whatever the element's own. */
  template <class Finish>
  void expectSums(Tensor& result, int64_t algorithm, const Sums& sums, const Finish& finish) const {
    const double largest = sums.largestSize();
    expect(result, [&](const Index& at) {
      return Expected{finish(at, sums.value(at)), algorithm == kConvDirect ? sums.size(at) : largest};
    }, toleranceOf(algorithm));
  }

  void setCase(const char* kernel, int64_t algorithm) const {
    bench::setCase(kernels_, std::string(kernel) + ", algorithm " + std::to_string(algorithm) + textOf(g_));
  }

  const Kernels& kernels_;
  const ConvGeometry g_ = randomConvolution();
  const bool isLast_ = oneIn(2);
  std::vector<int64_t> algorithms_ = {kConvDirect};
};

}  // namespace

void checkConv(const Kernels& kernels) {
  ConvCheck check(kernels);
  check.forward();
  check.gradInput();
  check.gradWeight();
}

}  // namespace fovea::bench

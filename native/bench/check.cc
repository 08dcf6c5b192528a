// Checks every kernel of every instruction set against plain loops in double precision, over random
// shapes, strides and options, and that results are the same bits on 1, 2 and 3 threads.
//
//   check [cases per kernel] [seed]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>
#include "kernels_of.h"

using namespace fovea;
using bench::Entry;
using bench::Kernels;

namespace {

std::mt19937 generator;
int64_t between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(generator() % static_cast<uint64_t>(high - low + 1));
}
bool oneIn(int n) { return between(1, n) == 1; }

constexpr float kUntouched = 12345.5f;

/** A tensor with a random layout: dimensions in any order, gaps between elements, reversed axes. */
struct Tensor {
  std::vector<int64_t> shape;
  Operand operand{};
  std::vector<float> data;
  size_t itemSize = 4;

  Tensor() { operand.buffer = -1; }
  /** `order`: dimensions from the outermost to the innermost; random if empty. */
  Tensor(std::vector<int64_t> sizes, std::vector<int> order = {}, int64_t dtype = kF32) : shape(sizes) {
    const int rank = static_cast<int>(shape.size());
    const bool dense = !order.empty();
    if (!dense) {
      for (int d = 0; d < rank; ++d) order.push_back(d);
      std::shuffle(order.begin(), order.end(), generator);
    }
    operand.dtype = dtype;
    int64_t stride = dense || oneIn(2) ? 1 : 2, base = dense ? 0 : between(0, 3);
    for (int i = rank - 1; i >= 0; --i) {
      const size_t d = static_cast<size_t>(order[static_cast<size_t>(i)]);
      operand.strides[d] = stride;
      const int64_t span = stride * std::max<int64_t>(shape[d], 1);
      stride = span + (dense || oneIn(2) ? 0 : between(0, 3));
    }
    int64_t elements = base + stride + 1;
    if (!dense) {
      for (size_t d = 0; d < shape.size(); ++d) {
        if (shape[d] == 1) {
          operand.strides[d] = between(-1000000, 1000000);  // means nothing
        } else if (shape[d] > 1 && oneIn(5)) {
          base += operand.strides[d] * (shape[d] - 1);
          operand.strides[d] = -operand.strides[d];
        }
      }
    }
    operand.offset = base;
    itemSize = dtype == kU8 ? 1 : 4;
    data.assign(static_cast<size_t>(elements * static_cast<int64_t>(itemSize) + 3) / 4, kUntouched);
  }

  int64_t at(const std::vector<int64_t>& index) const {
    int64_t position = operand.offset;
    for (size_t d = 0; d < index.size(); ++d) {
      if (shape[d] > 1) position += index[d] * operand.strides[d];
    }
    return position;
  }
  float& operator()(const std::vector<int64_t>& index) { return data[static_cast<size_t>(at(index))]; }
  int64_t integer(const std::vector<int64_t>& index) const {
    const char* bytes = reinterpret_cast<const char*>(data.data());
    if (operand.dtype == kU8) return static_cast<uint8_t>(bytes[at(index)]);
    int32_t value;
    std::memcpy(&value, bytes + at(index) * 4, 4);
    return value;
  }
  void setInteger(const std::vector<int64_t>& index, int64_t value) {
    char* bytes = reinterpret_cast<char*>(data.data());
    const int32_t word = static_cast<int32_t>(value);
    if (operand.dtype == kU8) bytes[at(index)] = static_cast<char>(value);
    else std::memcpy(bytes + at(index) * 4, &word, 4);
  }

  void each(const std::function<void(const std::vector<int64_t>&)>& body) const {
    std::vector<int64_t> index(shape.size(), 0);
    if (data.empty() || std::count(shape.begin(), shape.end(), 0) > 0) return;
    while (true) {
      body(index);
      size_t d = shape.size();
      while (d > 0 && ++index[d - 1] == shape[d - 1]) index[--d] = 0;
      if (d == 0) return;
    }
  }
  void randomise() {
    each([&](const auto& index) { (*this)(index) = static_cast<float>(between(-1000, 1000)) / 500; });
  }
};

int failures = 0;
std::string current;
void fail(const std::string& why) {
  if (++failures <= 20) std::printf("FAIL %s: %s\n", current.c_str(), why.c_str());
}

std::vector<Pool*> pools;

/** Runs on 1, 2, 3 threads; results must agree to the bit, and nothing else may be touched. */
template <class Args>
void runAll(const Entry<Args>& kernel, const Args& args, const std::vector<Tensor*>& tensors,
            const std::vector<Tensor*>& results) {
  std::vector<std::vector<float>> first;
  for (Pool* pool : pools) {
    for (Tensor* result : results) std::fill(result->data.begin(), result->data.end(), kUntouched);
    const size_t bytes = kernel.scratch(args, pool->threads());
    // Garbage in scratch, and exactly as much of it as was asked for.
    std::vector<char*> buffers;
    for (Tensor* t : tensors) buffers.push_back(reinterpret_cast<char*>(t->data.data()));
    char* scratch = static_cast<char*>(std::aligned_alloc(64, (bytes + 127) / 64 * 64));
    std::memset(scratch, 0xff, (bytes + 127) / 64 * 64);
    const Frame frame{buffers.data(), *pool, scratch};
    if (const char* why = kernel.run(args, frame)) fail(why);
    for (size_t i = bytes; i < (bytes + 127) / 64 * 64; ++i) {
      if (scratch[i] != static_cast<char>(0xff)) { fail("wrote past its scratch"); break; }
    }
    std::free(scratch);
    if (first.empty()) {
      for (Tensor* result : results) first.push_back(result->data);
    }
    for (size_t i = 0; i < results.size(); ++i) {
      if (!first[i].empty() && std::memcmp(first[i].data(), results[i]->data.data(), first[i].size() * 4) != 0) {
        fail("different bits on " + std::to_string(pool->threads()) + " threads");
      }
    }
  }
}

constexpr double kDirect = 2e-6;
/**
 * Winograd's tolerances, relative to the largest Σ |terms| of a result: the transforms enlarge one rounding
 * of 2⁻²⁴ by up to (max over i of Σ over j of |Aᵀ|ᵢⱼ · Σ|G|ⱼ · Σ|Bᵀ|ⱼ, over the m terms of a tile)², which is
 * 78 for F(3, 4), 97 for F(4, 3), 71 for F(2, 5), 142 for F(5, 2), and 269, 509, 301, 373 for F(3, 6), F(6, 3),
 * F(4, 5), F(5, 4). That many roundings never align.
 */
double toleranceOf(int64_t algorithm) {
  return algorithm == kConvWinograd6 ? 0x1p-24 * 142 : algorithm == kConvWinograd8 ? 0x1p-24 * 509 : kDirect;
}

/** Every element within `tolerance` of the expected one relative to `scale`; all else untouched. */
void expect(Tensor& result, const std::function<double(const std::vector<int64_t>&, double& scale)>& expected,
            double tolerance = kDirect) {
  std::vector<bool> ours(result.data.size(), false);
  bool reported = false;
  result.each([&](const auto& index) {
    ours[static_cast<size_t>(result.at(index))] = true;
    double scale = 1;
    const double want = expected(index, scale), got = result(index);
    const bool good = std::isnan(want) ? std::isnan(got)
                                       : want == got || std::fabs(want - got) <= tolerance * scale + 1e-6;
    if (!good && !reported) {
      reported = true;
      std::string where;
      for (int64_t i : index) where += std::to_string(i) + " ";
      fail("at " + where + "expected " + std::to_string(want) + ", got " + std::to_string(got));
    }
  });
  for (size_t i = 0; i < ours.size(); ++i) {
    if (!ours[i] && result.data[i] != kUntouched) { fail("wrote outside its result"); break; }
  }
}

Tensor bound(Tensor tensor, int64_t buffer) {
  tensor.operand.buffer = buffer;
  return tensor;
}

std::vector<int> nhwc() { return {0, 2, 3, 1}; }

void checkMatmul(const Kernels& kernels) {
  MatmulArgs args{};
  args.batch = oneIn(3) ? between(0, 4) : 1;
  const auto size = [] { return oneIn(3) ? 1 : oneIn(6) ? between(90, 700) : between(1, 40); };
  args.m = size(), args.n = size(), args.k = oneIn(20) ? 0 : size();
  while (args.m * args.n * args.k > 8000000) args.m = 1 + args.m / 2, args.n = 1 + args.n / 2;
  const auto matrix = [&](int64_t rows, int64_t columns) {
    if (oneIn(3)) return Tensor({args.batch, rows, columns}, {0, 1, 2});
    if (oneIn(2)) return Tensor({args.batch, rows, columns}, {0, 2, 1});
    return Tensor({args.batch, rows, columns});
  };
  Tensor a = bound(matrix(args.m, args.k), 0), b = bound(matrix(args.k, args.n), 1),
         c = bound(matrix(args.m, args.n), 2), bias;
  if (oneIn(2)) bias = bound(Tensor({args.n}), 3);
  a.randomise(), b.randomise(), bias.randomise();
  if (args.m * args.k > 0 && oneIn(5)) a({0, 0, 0}) = NAN;
  args.a = a.operand, args.b = b.operand, args.c = c.operand, args.bias = bias.operand;
  args.activation = oneIn(2) ? kRelu : kNone;
  current = std::string(kernels.name) + " matmul " + std::to_string(args.batch) + "x" + std::to_string(args.m) +
            "x" + std::to_string(args.n) + "x" + std::to_string(args.k);
  runAll(kernels.matmul, args, {&a, &b, &c, &bias}, {&c});
  expect(c, [&](const auto& i, double& scale) {
    double sum = 0, size = 0;
    for (int64_t k = 0; k < args.k; ++k) {
      const double term = double(a({i[0], i[1], k})) * b({i[0], k, i[2]});
      sum += term, size += std::fabs(term);
    }
    if (bias.operand.buffer >= 0) sum += bias({i[2]});
    scale = size;
    return args.activation == kRelu && sum < 0 ? 0.0 : sum;
  });
}

ConvGeometry randomGeometry() {
  ConvGeometry g{};
  g.batch = oneIn(12) ? 0 : between(1, 4);
  g.groups = oneIn(4) ? between(1, 3) : 1;
  const auto channels = [] { return oneIn(3) ? 1 : oneIn(4) ? between(30, 70) : between(1, 20); };
  g.inChannels = g.groups * channels(), g.outChannels = g.groups * channels();
  for (int axis = 0; axis < 2; ++axis) {
    g.kernelSize[axis] = oneIn(8) ? between(1, 11) : between(1, 5);
    g.stride[axis] = oneIn(2) ? 1 : between(1, 4);
    g.dilation[axis] = oneIn(3) ? between(1, 3) : 1;
    g.padding[axis] = oneIn(2) ? 0 : between(0, 4);
    const int64_t extent = (g.kernelSize[axis] - 1) * g.dilation[axis] + 1;
    g.inSize[axis] = between(std::max<int64_t>(1, extent - 2 * g.padding[axis]), extent + 14);
    g.outSize[axis] = (g.inSize[axis] + 2 * g.padding[axis] - extent) / g.stride[axis] + 1;
  }
  if (oneIn(3)) {  // what Winograd takes
    const int64_t side = oneIn(2) ? 3 : 5;
    for (int axis = 0; axis < 2; ++axis) {
      g.kernelSize[axis] = side, g.stride[axis] = g.dilation[axis] = 1;
      g.inSize[axis] = between(std::max<int64_t>(1, side - 2 * g.padding[axis]), 24);
      g.outSize[axis] = g.inSize[axis] + 2 * g.padding[axis] - side + 1;
    }
    if (oneIn(20)) {  // so many tiles that the weight gradient is summed in chunks
      g.batch = 2, g.groups = 1, g.inChannels = between(1, 3), g.outChannels = between(1, 3);
      for (int axis = 0; axis < 2; ++axis) {
        g.padding[axis] = 1, g.inSize[axis] = between(136, 142), g.outSize[axis] = g.inSize[axis] + 3 - side;
      }
    }
    if (oneIn(10)) {  // several blocks of the depth, and more columns than are held at once
      g.batch = g.groups = 1;
      g.inChannels = between(1, 20), g.outChannels = between(100, 300);
      if (oneIn(2)) std::swap(g.inChannels, g.outChannels);
      for (int axis = 0; axis < 2; ++axis) {
        g.padding[axis] = 1, g.inSize[axis] = between(side - 2, 6), g.outSize[axis] = g.inSize[axis] + 3 - side;
      }
    }
  }
  if (oneIn(8)) {  // few result channels and as many images as lanes, or more
    g.batch = between(4, 40);
    g.inChannels = g.groups * between(1, 9), g.outChannels = g.groups * between(1, 9);
  }
  if (oneIn(15)) {  // large enough for bands of rows
    g.batch = 1, g.groups = 1, g.inChannels = 64, g.outChannels = 5, g.padding[0] = g.padding[1] = 1;
    for (int axis = 0; axis < 2; ++axis) {
      g.kernelSize[axis] = 3, g.dilation[axis] = 1, g.inSize[axis] = between(50, 60);
      g.outSize[axis] = (g.inSize[axis] - 1) / g.stride[axis] + 1;
    }
  }
  return g;
}

bool winogradTakes(const ConvGeometry& g) {
  for (int axis = 0; axis < 2; ++axis) {
    if (g.stride[axis] != 1 || g.dilation[axis] != 1) return false;
  }
  return g.kernelSize[0] == g.kernelSize[1] && (g.kernelSize[0] == 3 || g.kernelSize[0] == 5);
}

void checkConv(const Kernels& kernels) {
  const ConvGeometry g = randomGeometry();
  const bool last = oneIn(2);
  const auto images = [&](int64_t channels, const int64_t* size) {
    return last ? Tensor({g.batch, channels, size[0], size[1]}, nhwc())
                : Tensor({g.batch, channels, size[0], size[1]});
  };
  Tensor x = bound(images(g.inChannels, g.inSize), 0);
  const std::vector<int64_t> wShape = {g.outChannels, g.inChannels / g.groups, g.kernelSize[0], g.kernelSize[1]};
  Tensor w = bound(oneIn(2) ? Tensor(wShape, {0, 1, 2, 3}) : Tensor(wShape), 1);
  Tensor y = bound(images(g.outChannels, g.outSize), 2), bias;
  if (oneIn(2)) bias = bound(Tensor({g.outChannels}), 3);
  x.randomise(), w.randomise(), bias.randomise();
  std::string text;
  for (const int64_t* p = &g.batch; p < &g.dilation[0] + 2; ++p) text += " " + std::to_string(*p);
  const int64_t ic = g.inChannels / g.groups, oc = g.outChannels / g.groups;
  /** Calls body(input row, input column, i, j) for each element of a window inside the image. */
  const auto eachTap = [&](int64_t oh, int64_t ow, const auto& body) {
    for (int64_t i = 0; i < g.kernelSize[0]; ++i) {
      for (int64_t j = 0; j < g.kernelSize[1]; ++j) {
        const int64_t ih = oh * g.stride[0] + i * g.dilation[0] - g.padding[0];
        const int64_t iw = ow * g.stride[1] + j * g.dilation[1] - g.padding[1];
        if (ih >= 0 && iw >= 0 && ih < g.inSize[0] && iw < g.inSize[1]) body(ih, iw, i, j);
      }
    }
  };

  const auto largest = [](const std::vector<double>& all) {
    return all.empty() ? 0 : *std::max_element(all.begin(), all.end());
  };
  std::vector<int64_t> algorithms = {kConvDirect};
  if (winogradTakes(g)) algorithms.insert(algorithms.end(), {kConvWinograd6, kConvWinograd8});
  const auto name = [&](const char* kernel, int64_t algorithm) {
    current = std::string(kernels.name) + " " + kernel + ", algorithm " + std::to_string(algorithm) + text;
  };

  std::vector<double> ySums(y.data.size()), ySizes(y.data.size());
  y.each([&](const auto& at) {
    const int64_t group = at[1] / oc;
    double sum = bias.operand.buffer >= 0 ? bias({at[1]}) : 0, size = 0;
    eachTap(at[2], at[3], [&](int64_t ih, int64_t iw, int64_t i, int64_t j) {
      for (int64_t c = 0; c < ic; ++c) {
        const double term = double(x({at[0], group * ic + c, ih, iw})) * w({at[1], c, i, j});
        sum += term, size += std::fabs(term);
      }
    });
    ySums[static_cast<size_t>(y.at(at))] = sum, ySizes[static_cast<size_t>(y.at(at))] = size;
  });
  for (const int64_t algorithm : algorithms) {
    const Conv2dArgs forward{g, algorithm, x.operand, w.operand, y.operand, bias.operand, oneIn(2) ? kRelu : kNone};
    name("conv2d", algorithm);
    runAll(kernels.conv2d, forward, {&x, &w, &y, &bias}, {&y});
    const double most = largest(ySizes);
    expect(y, [&](const auto& at, double& scale) {
      const double sum = ySums[static_cast<size_t>(y.at(at))];
      scale = algorithm == kConvDirect ? ySizes[static_cast<size_t>(y.at(at))] : most;
      return forward.activation == kRelu && sum < 0 ? 0.0 : sum;
    }, toleranceOf(algorithm));
  }

  Tensor gy = bound(images(g.outChannels, g.outSize), 0), gx = bound(images(g.inChannels, g.inSize), 2);
  gy.randomise();
  std::vector<double> sums(gx.data.size()), sizes(gx.data.size());
  const std::vector<int64_t> shape = wShape;
  Tensor gw = bound(oneIn(2) ? Tensor(shape, {0, 1, 2, 3}) : Tensor(shape), 2);
  std::vector<double> wSums(gw.data.size()), wSizes(gw.data.size());
  gy.each([&](const auto& at) {
    const double from = gy(at);
    const int64_t group = at[1] / oc;
    eachTap(at[2], at[3], [&](int64_t ih, int64_t iw, int64_t i, int64_t j) {
      for (int64_t c = 0; c < ic; ++c) {
        const size_t to = static_cast<size_t>(gx.at({at[0], group * ic + c, ih, iw}));
        sums[to] += from * w({at[1], c, i, j}), sizes[to] += std::fabs(from * w({at[1], c, i, j}));
        const size_t toW = static_cast<size_t>(gw.at({at[1], c, i, j}));
        const double term = from * x({at[0], group * ic + c, ih, iw});
        wSums[toW] += term, wSizes[toW] += std::fabs(term);
      }
    });
  });
  Tensor mask;
  if (oneIn(2)) mask = bound(images(g.inChannels, g.inSize), 3);
  mask.randomise();
  for (const int64_t algorithm : algorithms) {
    name("conv2dGradInput", algorithm);
    runAll(kernels.conv2dGradInput, {g, algorithm, gy.operand, w.operand, gx.operand, mask.operand},
           {&gy, &w, &gx, &mask}, {&gx});
    const double most = largest(sizes);
    expect(gx, [&](const auto& at, double& scale) {
      scale = algorithm == kConvDirect ? sizes[static_cast<size_t>(gx.at(at))] : most;
      return mask.operand.buffer >= 0 && mask(at) <= 0 ? 0.0 : sums[static_cast<size_t>(gx.at(at))];
    }, toleranceOf(algorithm));
  }
  gy.operand.buffer = 1;
  Tensor gbias;
  if (oneIn(2)) gbias = bound(Tensor({g.outChannels}), 3);
  std::vector<double> bSums(static_cast<size_t>(g.outChannels)), bSizes(static_cast<size_t>(g.outChannels));
  gy.each([&](const auto& at) {
    bSums[static_cast<size_t>(at[1])] += gy(at), bSizes[static_cast<size_t>(at[1])] += std::fabs(gy(at));
  });
  const auto expectBias = [&] {
    if (gbias.operand.buffer < 0) return;
    expect(gbias, [&](const auto& at, double& scale) {
      scale = bSizes[static_cast<size_t>(at[0])];
      return bSums[static_cast<size_t>(at[0])];
    });
  };
  for (const int64_t algorithm : algorithms) {
    name("conv2dGradWeight", algorithm);
    runAll(kernels.conv2dGradWeight, {g, algorithm, x.operand, gy.operand, gw.operand, gbias.operand},
           {&x, &gy, &gw, &gbias}, {&gw, &gbias});
    const double most = largest(wSizes);
    expect(gw, [&](const auto& at, double& scale) {
      scale = algorithm == kConvDirect ? wSizes[static_cast<size_t>(gw.at(at))] : most;
      return wSums[static_cast<size_t>(gw.at(at))];
    }, toleranceOf(algorithm));
    expectBias();
  }
}

void checkPools(const Kernels& kernels) {
  const ConvGeometry conv = randomGeometry();
  PoolGeometry g{conv.batch, conv.inChannels, {}, {}, {}, {}, {}, {}};
  // Half of the time the windows and the numbers of channels that kernels have ways of their own for.
  const bool usual = oneIn(2);
  const int64_t side = between(2, 3), step = oneIn(2) ? 2 : side == 3 ? 1 : 2;
  if (usual) g.channels = oneIn(4) ? between(1, 40) : int64_t{1} << between(0, 7);
  for (int axis = 0; axis < 2; ++axis) {
    g.kernelSize[axis] = usual ? side : conv.kernelSize[axis];
    g.stride[axis] = usual ? step : conv.stride[axis];
    g.dilation[axis] = usual && !oneIn(10) ? 1 : conv.dilation[axis];
    g.padding[axis] = usual && oneIn(2) ? 0 : between(0, g.kernelSize[axis] / 2);
    const int64_t extent = (g.kernelSize[axis] - 1) * g.dilation[axis] + 1;
    g.inSize[axis] = between(extent, extent + 9);
    const int64_t room = g.inSize[axis] + 2 * g.padding[axis] - extent;
    g.outSize[axis] = room / g.stride[axis] + 1;
    // Ceil mode, where the last window still starts inside the input or its left padding.
    if (room % g.stride[axis] && oneIn(2) && g.outSize[axis] * g.stride[axis] < g.inSize[axis] + g.padding[axis]) {
      ++g.outSize[axis];
    }
  }
  const bool last = usual ? !oneIn(5) : oneIn(2);
  const int nans = oneIn(2) ? 40 : 1 << 30;
  const auto images = [&](const int64_t* size, int64_t dtype = kF32) {
    return Tensor({g.batch, g.channels, size[0], size[1]}, last ? nhwc() : std::vector<int>{}, dtype);
  };
  const auto eachTap = [&](int64_t oh, int64_t ow, int64_t margin0, int64_t margin1, const auto& body) {
    for (int64_t i = 0; i < g.kernelSize[0]; ++i) {
      for (int64_t j = 0; j < g.kernelSize[1]; ++j) {
        const int64_t ih = oh * g.stride[0] + i * g.dilation[0] - g.padding[0];
        const int64_t iw = ow * g.stride[1] + j * g.dilation[1] - g.padding[1];
        if (ih >= -margin0 && iw >= -margin1 && ih < g.inSize[0] + margin0 && iw < g.inSize[1] + margin1) {
          body(ih, iw, i * g.kernelSize[1] + j);
        }
      }
    }
  };
  // A window that reads nothing at all (dilation can do that) has no meaning; plans hold none.
  for (int64_t oh = 0; oh < g.outSize[0]; ++oh) {
    for (int64_t ow = 0; ow < g.outSize[1]; ++ow) {
      int taps = 0;
      eachTap(oh, ow, 0, 0, [&](int64_t, int64_t, int64_t) { ++taps; });
      if (taps == 0) return;
    }
  }
  std::string text;
  for (const int64_t* p = &g.batch; p < &g.dilation[0] + 2; ++p) text += " " + std::to_string(*p);

  Tensor x = bound(images(g.inSize), 0), y = bound(images(g.outSize), 1),
         index = bound(images(g.outSize, usual || oneIn(2) ? kU8 : kI32), 2);
  // Few different values, so that there are ties.
  x.each([&](const auto& at) {
    x(at) = oneIn(nans) ? NAN : oneIn(30) ? -std::numeric_limits<float>::infinity() : static_cast<float>(between(-5, 5));
  });
  const bool indexed = !oneIn(5);
  if (!indexed) index.operand.buffer = -1;
  current = std::string(kernels.name) + " maxPool2d" + text;
  runAll(kernels.maxPool2d, {g, x.operand, y.operand, index.operand}, {&x, &y, &index}, {&y, &index});
  Tensor chosen = bound(images(g.outSize, index.operand.dtype), 1);
  expect(y, [&](const auto& at, double&) {
    double best = 0;
    int64_t where = -1;
    eachTap(at[2], at[3], 0, 0, [&](int64_t ih, int64_t iw, int64_t tap) {
      const double v = x({at[0], at[1], ih, iw});
      if (where < 0 || v > best || (std::isnan(v) && !std::isnan(best))) best = v, where = tap;
    });
    chosen.setInteger(at, where);
    if (indexed && index.integer(at) != where) fail("index");
    return best;
  });

  Tensor gy = bound(images(g.outSize), 0), gx = bound(images(g.inSize), 2);
  gy.randomise();
  std::vector<double> sums(gx.data.size());
  gy.each([&](const auto& at) {
    eachTap(at[2], at[3], 0, 0, [&](int64_t ih, int64_t iw, int64_t tap) {
      if (tap == chosen.integer(at)) sums[static_cast<size_t>(gx.at({at[0], at[1], ih, iw}))] += gy(at);
    });
  });
  current = std::string(kernels.name) + " maxPool2dGrad" + text;
  runAll(kernels.maxPool2dGrad, {g, gy.operand, chosen.operand, gx.operand}, {&gy, &chosen, &gx}, {&gx});
  const auto sumAt = [&](const auto& at, double& scale) {
    scale = 10;
    return sums[static_cast<size_t>(gx.at(at))];
  };
  expect(gx, sumAt);

  x.randomise();
  const int64_t countPadding = oneIn(2);
  const auto count = [&](int64_t oh, int64_t ow) {
    double taps = 0;
    eachTap(oh, ow, countPadding ? g.padding[0] : 0, countPadding ? g.padding[1] : 0,
            [&](int64_t, int64_t, int64_t) { ++taps; });
    return taps;
  };
  current = std::string(kernels.name) + " avgPool2d" + text;
  runAll(kernels.avgPool2d, {g, countPadding, x.operand, y.operand}, {&x, &y}, {&y});
  expect(y, [&](const auto& at, double&) {
    double sum = 0;
    eachTap(at[2], at[3], 0, 0, [&](int64_t ih, int64_t iw, int64_t) { sum += x({at[0], at[1], ih, iw}); });
    return sum / count(at[2], at[3]);
  });
  std::fill(sums.begin(), sums.end(), 0);
  gy.each([&](const auto& at) {
    eachTap(at[2], at[3], 0, 0, [&](int64_t ih, int64_t iw, int64_t) {
      sums[static_cast<size_t>(gx.at({at[0], at[1], ih, iw}))] += gy(at) / count(at[2], at[3]);
    });
  });
  gx.operand.buffer = 1;
  current = std::string(kernels.name) + " avgPool2dGrad" + text;
  runAll(kernels.avgPool2dGrad, {g, countPadding, gy.operand, gx.operand}, {&gy, &gx}, {&gx});
  expect(gx, sumAt);
}

/** Maps that are larger than caches are written past them; that must not be seen in what is written. */
void checkLargePools(const Kernels& kernels, int64_t kernel, int64_t stride) {
  const int64_t batch = 5, channels = 32, side = 202, out = (side - kernel) / stride + 1;
  const auto geometry = [&](int64_t images) {
    return PoolGeometry{images, channels, {side, side}, {out, out}, {kernel, kernel}, {stride, stride}, {0, 0}, {1, 1}};
  };
  const auto images = [&](int64_t buffer, int64_t size, int64_t dtype = kF32) {
    Operand operand{};
    operand.buffer = buffer, operand.dtype = dtype;
    const int64_t strides[] = {size * size * channels, 1, size * channels, channels};
    std::copy_n(strides, 4, operand.strides);
    return operand;
  };
  const size_t xs = static_cast<size_t>(channels * side * side), ys = static_cast<size_t>(channels * out * out);
  struct Maps {
    char *x, *y, *index, *gx;
    Maps(size_t count, size_t xs, size_t ys) {
      for (char** map : {&x, &y, &index, &gx}) {
        const size_t bytes = (count * 4 * (map == &y || map == &index ? ys : xs) + 63) / 64 * 64;
        *map = static_cast<char*>(std::aligned_alloc(64, bytes));
        std::memset(*map, 0x55, bytes);
      }
    }
    ~Maps() { for (char* map : {x, y, index, gx}) std::free(map); }
  };
  Maps all(static_cast<size_t>(batch), xs, ys), one(1, xs, ys);
  for (size_t i = 0; i < static_cast<size_t>(batch) * xs; ++i) {
    reinterpret_cast<float*>(all.x)[i] = static_cast<float>(generator() % 1000) / 100;
  }
  const auto runBoth = [&](const Maps& maps, int64_t count, Pool& pool) {
    char* buffers[] = {maps.x, maps.y, maps.index, maps.gx};
    const MaxPool2dArgs forward{geometry(count), images(0, side), images(1, out), images(2, out, kU8)};
    const MaxPool2dGradArgs back{geometry(count), images(1, out), images(2, out, kU8), images(3, side)};
    std::vector<char> scratch(kernels.maxPool2dGrad.scratch(back, pool.threads()) + 64);
    char* const aligned = scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64);
    kernels.maxPool2d.run(forward, {buffers, pool, aligned});
    kernels.maxPool2dGrad.run(back, {buffers, pool, aligned});
  };
  current = std::string(kernels.name) + " large maxPool2d " + std::to_string(kernel);
  runBoth(all, batch, *pools.back());
  for (size_t n = 0; n < static_cast<size_t>(batch); ++n) {
    std::memcpy(one.x, all.x + 4 * n * xs, 4 * xs);
    runBoth(one, 1, *pools.front());
    if (std::memcmp(one.y, all.y + 4 * n * ys, 4 * ys) != 0) fail("y");
    if (std::memcmp(one.index, all.index + n * ys, ys) != 0) fail("index");
    if (std::memcmp(one.gx, all.gx + 4 * n * xs, 4 * xs) != 0) fail("gx");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int cases = argc > 1 ? std::atoi(argv[1]) : 300;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1;
  for (int threads = 1; threads <= 3; ++threads) pools.push_back(new Pool(threads));
  std::vector<const Kernels*> sets = {&bench::portable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) sets.push_back(&bench::avx2);
  if (__builtin_cpu_supports("avx512bw")) sets.push_back(&bench::avx512);
#endif
  for (const Kernels* kernels : sets) {
    generator.seed(seed);
    for (int i = 0; i < cases; ++i) {
      checkMatmul(*kernels);
      checkConv(*kernels);
      checkPools(*kernels);
    }
    checkLargePools(*kernels, 2, 2);
    checkLargePools(*kernels, 3, 2);
    checkLargePools(*kernels, 3, 1);
    std::printf("%s: %d cases, %d failures so far\n", kernels->name, cases, failures);
  }
  for (Pool* pool : pools) delete pool;
  return failures ? 1 : 0;
}

// Times the dense kernels on the layers of real networks, for each instruction set that this machine
// has and for one thread and all of them. Each figure is the best of several runs; GFLOP/s count
// two operations per multiply-add of the direct algorithm, GB/s the bytes that must move at least.
//
//   bench [only kernels or layers whose name contains this] [only this instruction set]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include "kernels_of.h"
#include "layouts.h"
#include "scratch.h"

using namespace fovea;
using namespace fovea::bench;

namespace {

const char* wanted = "";
constexpr size_t kApart = size_t{2} << 20;  // as in ../coordinator.cc

/** Best seconds of a call; buffers 0, 1, 2 … are as large as `floats` says. */
template <class Args>
double timeOf(const Entry<Args>& kernel, const Args& args, Pool& pool, const std::vector<int64_t>& floats) {
  std::vector<char*> buffers;
  for (int64_t count : floats) {
    float* data = static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>(count * 4 + 127) / 64 * 64));
    for (int64_t i = 0; i < count; ++i) data[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
    buffers.push_back(reinterpret_cast<char*>(data));
  }
  const Scratch scratch(kernel.scratch(args, pool.threads()), pool, kApart);
  const Frame frame = scratch.frame(buffers.data(), pool);
  double best = 1e9, total = 0;
  for (int runs = 0; runs < 3 || (total < 0.6 && runs < 2000); ++runs) {
    const auto start = std::chrono::steady_clock::now();
    kernel.run(args, frame);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::min(best, seconds), total += seconds;
  }
  for (char* buffer : buffers) std::free(buffer);
  return best;
}

struct Layer {
  const char* name;
  int64_t batch, in, out, side, kernel, stride, padding;
  bool first;  // needs no gradient of its input
};

struct Sum {
  double seconds = 0, flop = 0;
};

void report(const char* name, const char* pass, double seconds, double flop) {
  std::printf("  %-16s %-6s %9.3f ms %8.1f GFLOP/s\n", name, pass, seconds * 1e3, flop / seconds * 1e-9);
}
void report(const char* name, const char* pass, double seconds, double flop, Sum& sum) {
  report(name, pass, seconds, flop);
  sum.seconds += seconds, sum.flop += flop;
}

void timeConv(const Kernels& kernels, Pool& pool, const Layer& layer, Sum& sum) {
  ConvGeometry g{layer.batch, layer.in, layer.out, 1, {layer.side, layer.side}, {}, {layer.kernel, layer.kernel},
                 {layer.stride, layer.stride}, {layer.padding, layer.padding}, {1, 1}};
  g.outSize[0] = g.outSize[1] = (layer.side + 2 * layer.padding - layer.kernel) / layer.stride + 1;
  const int64_t xs = g.batch * g.inChannels * g.inSize[0] * g.inSize[1],
                ys = g.batch * g.outChannels * g.outSize[0] * g.outSize[1],
                ws = g.outChannels * g.inChannels * layer.kernel * layer.kernel;
  const double flop = 2.0 * static_cast<double>(ys * g.inChannels * layer.kernel * layer.kernel);
  const auto weights = [&](int64_t buffer) {
    const int64_t k = layer.kernel;
    return dense(buffer, {g.inChannels * k * k, k * k, k, 1});
  };
  const bool takesWinograd = layer.stride == 1 && (layer.kernel == 3 || layer.kernel == 5);
  /** Reports a pass by every algorithm that takes the layer; the fastest counts. */
  const auto reportAll = [&](const char* pass, const auto& secondsBy) {
    double best = secondsBy(kConvDirect);
    report(layer.name, pass, best, flop);
    for (const auto& [algorithm, name] : {std::pair(kConvWinograd6, "6"), std::pair(kConvWinograd8, "8")}) {
      if (!takesWinograd) continue;
      const double seconds = secondsBy(algorithm);
      report(layer.name, (std::string(pass) + " w" + name).c_str(), seconds, flop);
      best = std::min(best, seconds);
    }
    sum.seconds += best, sum.flop += flop;
  };
  reportAll("y", [&](int64_t algorithm) {
    const Conv2dArgs args{g, algorithm, images(0, layer.in, g.inSize), weights(1), images(2, layer.out, g.outSize),
                          dense(3, {1}), kRelu};
    return timeOf(kernels.conv2d, args, pool, {xs, ws, ys, g.outChannels});
  });
  if (!layer.first) {
    reportAll("gx", [&](int64_t algorithm) {
      const Conv2dGradInputArgs args{g, algorithm, images(0, layer.out, g.outSize), weights(1),
                                     images(2, layer.in, g.inSize), images(3, layer.in, g.inSize)};
      return timeOf(kernels.conv2dGradInput, args, pool, {ys, ws, xs, xs});
    });
  }
  reportAll("gw", [&](int64_t algorithm) {
    const Conv2dGradWeightArgs args{g, algorithm, images(0, layer.in, g.inSize), images(1, layer.out, g.outSize),
                                    weights(2), dense(3, {1})};
    return timeOf(kernels.conv2dGradWeight, args, pool, {xs, ys, ws, g.outChannels});
  });
}

/** y = x·wᵀ + bias, gx = gy·w, gw = gyᵀ·x. */
void timeLinear(const Kernels& kernels, Pool& pool, const char* name, int64_t batch, int64_t in, int64_t out, Sum& sum) {
  const double flop = 2.0 * static_cast<double>(batch * in) * static_cast<double>(out);
  MatmulArgs y{1, batch, out, in, dense(0, {0, in, 1}), dense(1, {0, 1, in}), dense(2, {0, out, 1}), dense(3, {1}), kRelu};
  report(name, "y", timeOf(kernels.matmul, y, pool, {batch * in, in * out, batch * out, out}), flop, sum);
  if (batch == 1) return;
  MatmulArgs gx{1, batch, in, out, dense(0, {0, out, 1}), dense(1, {0, in, 1}), dense(2, {0, in, 1}), dense(-1, {}), kNone};
  report(name, "gx", timeOf(kernels.matmul, gx, pool, {batch * out, in * out, batch * in}), flop, sum);
  MatmulArgs gw{1, out, in, batch, dense(0, {0, 1, out}), dense(1, {0, in, 1}), dense(2, {0, in, 1}), dense(-1, {}), kNone};
  report(name, "gw", timeOf(kernels.matmul, gw, pool, {batch * out, batch * in, in * out}), flop, sum);
}

void timePool(const Kernels& kernels, Pool& pool, const char* name, int64_t batch, int64_t channels, int64_t side,
              int64_t kernel, int64_t stride) {
  const int64_t out = (side - kernel) / stride + 1;
  const PoolGeometry g{batch, channels, {side, side}, {out, out}, {kernel, kernel}, {stride, stride}, {0, 0}, {1, 1}};
  const int64_t xs = batch * channels * side * side, ys = batch * channels * out * out;
  const Operand x = images(0, channels, g.inSize), y = images(1, channels, g.outSize);
  const Operand index = images(2, channels, g.outSize, kU8);
  const auto line = [&](const char* pass, double seconds, double bytes) {
    std::printf("  %-16s %-6s %9.3f ms %8.1f GB/s\n", name, pass, seconds * 1e3, bytes / seconds * 1e-9);
  };
  const double moved = 4.0 * static_cast<double>(xs + ys), withIndex = moved + static_cast<double>(ys);
  line("max", timeOf(kernels.maxPool2d, {g, x, y, index}, pool, {xs, ys, ys / 4 + 1}), withIndex);
  Operand gy = y, gx = x;
  line("max gx", timeOf(kernels.maxPool2dGrad, {g, gy, index, gx}, pool, {xs, ys, ys / 4 + 1}), withIndex);
  line("avg", timeOf(kernels.avgPool2d, {g, 0, x, y}, pool, {xs, ys}), moved);
  line("avg gx", timeOf(kernels.avgPool2dGrad, {g, 0, gy, gx}, pool, {xs, ys}), moved);
}

void timeAll(const Kernels& kernels, int threads) {
  Pool pool(threads);
  const auto named = [](const char* name) { return std::strstr(name, wanted) != nullptr; };
  const auto total = [&](const char* name, const Sum& sum, int64_t batch) {
    if (sum.seconds == 0) return;
    std::printf("  %s: %.2f ms, %.1f GFLOP/s, %.1f examples/s\n", name, sum.seconds * 1e3,
                sum.flop / sum.seconds * 1e-9, static_cast<double>(batch) / sum.seconds);
  };
  std::printf("%s, %d thread(s)\n", kernels.name, threads);
  for (const int64_t batch : {int64_t{128}, int64_t{1}}) {
    const bool one = batch == 1;
    const Layer alexnet[] = {
        {one ? "1/alexnet.conv1" : "alexnet.conv1", batch, 1, 96, 224, 11, 4, 1, true},
        {one ? "1/alexnet.conv2" : "alexnet.conv2", batch, 96, 256, 26, 5, 1, 2, one},
        {one ? "1/alexnet.conv3" : "alexnet.conv3", batch, 256, 384, 12, 3, 1, 1, one},
        {one ? "1/alexnet.conv4" : "alexnet.conv4", batch, 384, 384, 12, 3, 1, 1, one},
        {one ? "1/alexnet.conv5" : "alexnet.conv5", batch, 384, 256, 12, 3, 1, 1, one},
    };
    Sum sum;
    for (const Layer& layer : alexnet) if (named(layer.name)) timeConv(kernels, pool, layer, sum);
    const char* fc[] = {one ? "1/alexnet.fc1" : "alexnet.fc1", one ? "1/alexnet.fc2" : "alexnet.fc2"};
    if (named(fc[0])) timeLinear(kernels, pool, fc[0], batch, 6400, 4096, sum);
    if (named(fc[1])) timeLinear(kernels, pool, fc[1], batch, 4096, 4096, sum);
    if (named("alexnet")) total(one ? "alexnet, batch 1 (with gw)" : "alexnet", sum, batch);
  }
  Sum lenet;
  const Layer lenetLayers[] = {{"lenet.conv1", 256, 1, 6, 28, 5, 1, 2, true}, {"lenet.conv2", 256, 6, 16, 14, 5, 1, 0, false}};
  for (const Layer& layer : lenetLayers) if (named(layer.name)) timeConv(kernels, pool, layer, lenet);
  if (named("lenet.fc1")) timeLinear(kernels, pool, "lenet.fc1", 256, 400, 120, lenet);
  if (named("lenet.fc2")) timeLinear(kernels, pool, "lenet.fc2", 256, 120, 84, lenet);
  if (named("lenet.fc3")) timeLinear(kernels, pool, "lenet.fc3", 256, 84, 10, lenet);
  if (named("lenet")) total("lenet", lenet, 256);
  Sum vgg;
  const Layer others[] = {{"vgg.conv2", 16, 64, 128, 112, 3, 1, 1, false}, {"vgg.conv5", 16, 256, 512, 28, 3, 1, 1, false},
                          {"small.conv1", 64, 1, 16, 224, 3, 1, 1, true}, {"nin.1x1", 128, 96, 96, 54, 1, 1, 0, false},
                          {"resnet.stride2", 32, 64, 128, 56, 3, 2, 1, false}};
  for (const Layer& layer : others) if (named(layer.name)) timeConv(kernels, pool, layer, vgg);
  if (named("square")) timeLinear(kernels, pool, "square 2048", 2048, 2048, 2048, vgg);
  if (named("alexnet.pool1")) timePool(kernels, pool, "alexnet.pool1", 128, 96, 54, 3, 2);
  if (named("lenet.pool1")) timePool(kernels, pool, "lenet.pool1", 256, 6, 28, 2, 2);
  if (named("vgg.pool1")) timePool(kernels, pool, "vgg.pool1", 16, 64, 224, 2, 2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) wanted = argv[1];
  for (const Kernels* kernels : usableSets()) {
    if (argc > 2 && std::strcmp(argv[2], kernels->name) != 0) continue;
    for (const int threads : {1, static_cast<int>(std::thread::hardware_concurrency())}) timeAll(*kernels, threads);
  }
}

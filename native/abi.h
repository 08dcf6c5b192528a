// The packed structs that a plan's kernel calls arrive in: one per kernel, 8-byte fields throughout.
#pragma once
#include <cstdint>

namespace fovea {

constexpr int kMaxRank = 6;

enum DType : int64_t { kF32 = 0, kI32 = 1, kU8 = 2 };
enum Activation : int64_t { kNone = 0, kRelu = 1 };

/** A strided window into buffer number `buffer`; -1 means "not given". Counts elements. */
struct Operand {
  int64_t buffer, dtype, offset;
  int64_t strides[kMaxRank];
};

struct ConvGeometry {
  int64_t batch, inChannels, outChannels, groups;
  int64_t inSize[2], outSize[2], kernelSize[2], stride[2], padding[2], dilation[2];
};

struct PoolGeometry {
  int64_t batch, channels;
  int64_t inSize[2], outSize[2], kernelSize[2], stride[2], padding[2], dilation[2];
};

struct MatmulArgs { int64_t batch, m, n, k; Operand a, b, c, bias; int64_t activation; };
struct Conv2dArgs { ConvGeometry geometry; int64_t algorithm; Operand x, w, y, bias; int64_t activation; };
struct Conv2dGradInputArgs { ConvGeometry geometry; int64_t algorithm; Operand gy, w, gx; };
struct Conv2dGradWeightArgs { ConvGeometry geometry; int64_t algorithm; Operand x, gy, gw; };
struct MaxPool2dArgs { PoolGeometry geometry; Operand x, y, index; };
struct MaxPool2dGradArgs { PoolGeometry geometry; Operand gy, index, gx; };
struct AvgPool2dArgs { PoolGeometry geometry; int64_t countPadding; Operand x, y; };
struct AvgPool2dGradArgs { PoolGeometry geometry; int64_t countPadding; Operand gy, gx; };
struct CrossEntropyArgs { int64_t rows, classes; Operand logits, target, loss; };
struct CrossEntropyGradArgs { int64_t rows, classes; Operand logits, target, g, glogits; };

}  // namespace fovea

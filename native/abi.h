// The codes and packed structs that programs arrive in; 8-byte fields throughout.
// Written by scripts/generate-abi.mjs from src/backends/native/abi.ts: edit that, not this.
#pragma once
#include <cstdint>

#define FOVEA_ABI_FINGERPRINT "0d810097aa0a1181"

namespace fovea {

constexpr int kMaxRank = 6;
constexpr int kMaxRegisters = 256;
constexpr int kMaxResults = 64;

enum DType : int64_t {
  kF32 = 0,
  kI32 = 1,
  kU8 = 2,
};

enum Activation : int64_t {
  kNone = 0,
  kRelu = 1,
};

enum ConvAlgorithm : int64_t {
  kConvDirect = 0,
  kConvWinograd6 = 1,
  kConvWinograd8 = 2,
};

enum BufferKind : int64_t {
  kBufferArena = 0,
  kBufferState = 1,
  kBufferInput = 2,
  kBufferOutput = 3,
  kBufferConstant = 4,
};

enum SourceKind : int64_t {
  kSourceMemory = 0,
  kSourceIndex = 1,
  kSourceConstant = 2,
  kSourceProduct = 3,
};

enum ReduceOp : int64_t {
  kReduceSum = 0,
  kReduceMax = 1,
  kReduceArgmax = 2,
};

enum Op : int64_t {
  kOpNeg = 0,
  kOpAbs = 1,
  kOpExp = 2,
  kOpLog = 3,
  kOpSqrt = 4,
  kOpSin = 5,
  kOpCos = 6,
  kOpTanh = 7,
  kOpSigmoid = 8,
  kOpErf = 9,
  kOpFloor = 10,
  kOpRelu = 11,
  kOpAdd = 12,
  kOpSub = 13,
  kOpMul = 14,
  kOpDiv = 15,
  kOpMax = 16,
  kOpMin = 17,
  kOpPow = 18,
  kOpEq = 19,
  kOpNe = 20,
  kOpLt = 21,
  kOpLe = 22,
  kOpSelect = 23,
  kOpToF32 = 24,
  kOpToI32 = 25,
  kOpUniform = 26,
};

struct Operand {
  int64_t buffer;
  int64_t dtype;  // DType
  int64_t offset;
  int64_t strides[6];
};
static_assert(sizeof(Operand) == 72, "Operand");

struct ConvGeometry {
  int64_t batch;
  int64_t inChannels;
  int64_t outChannels;
  int64_t groups;
  int64_t inSize[2];
  int64_t outSize[2];
  int64_t kernelSize[2];
  int64_t stride[2];
  int64_t padding[2];
  int64_t dilation[2];
};
static_assert(sizeof(ConvGeometry) == 128, "ConvGeometry");

struct PoolGeometry {
  int64_t batch;
  int64_t channels;
  int64_t inSize[2];
  int64_t outSize[2];
  int64_t kernelSize[2];
  int64_t stride[2];
  int64_t padding[2];
  int64_t dilation[2];
};
static_assert(sizeof(PoolGeometry) == 112, "PoolGeometry");

struct ProgramHeader {
  int64_t bufferCount;
  int64_t callCount;
  int64_t arenaBytes;
};
static_assert(sizeof(ProgramHeader) == 24, "ProgramHeader");

struct BufferSpec {
  int64_t kind;  // BufferKind
  int64_t index;
  int64_t offset;
  int64_t bytes;
};
static_assert(sizeof(BufferSpec) == 32, "BufferSpec");

struct CallHeader {
  int64_t kernel;
  int64_t words;
};
static_assert(sizeof(CallHeader) == 16, "CallHeader");

struct Source {
  int64_t kind;  // SourceKind
  Operand operand;
};
static_assert(sizeof(Source) == 80, "Source");

struct Instruction {
  int64_t op;  // Op
  int64_t dtype;  // DType
  int64_t args[3];
  int64_t stream;
};
static_assert(sizeof(Instruction) == 48, "Instruction");

struct Result {
  int64_t value;
  Operand operand;
};
static_assert(sizeof(Result) == 80, "Result");

struct ElementwiseArgs {
  int64_t rank;
  int64_t shape[6];
  int64_t sourceCount;
  int64_t instructionCount;
  int64_t resultCount;
};
static_assert(sizeof(ElementwiseArgs) == 80, "ElementwiseArgs");

struct ReduceArgs {
  int64_t op;  // ReduceOp
  int64_t rank;
  int64_t shape[6];
  int64_t reduced[6];
  int64_t sourceCount;
  int64_t instructionCount;
  int64_t value;
  Operand result;
};
static_assert(sizeof(ReduceArgs) == 208, "ReduceArgs");

struct MatmulArgs {
  int64_t batch;
  int64_t m;
  int64_t n;
  int64_t k;
  Operand a;
  Operand b;
  Operand c;
  Operand bias;
  int64_t activation;  // Activation
  int64_t sourceCount;
  int64_t instructionCount;
  int64_t resultCount;
};
static_assert(sizeof(MatmulArgs) == 352, "MatmulArgs");

struct Conv2dArgs {
  ConvGeometry geometry;
  int64_t algorithm;  // ConvAlgorithm
  Operand x;
  Operand w;
  Operand y;
  Operand bias;
  int64_t activation;  // Activation
};
static_assert(sizeof(Conv2dArgs) == 432, "Conv2dArgs");

struct Conv2dGradInputArgs {
  ConvGeometry geometry;
  int64_t algorithm;  // ConvAlgorithm
  Operand gy;
  Operand w;
  Operand gx;
  Operand mask;
};
static_assert(sizeof(Conv2dGradInputArgs) == 424, "Conv2dGradInputArgs");

struct Conv2dGradWeightArgs {
  ConvGeometry geometry;
  int64_t algorithm;  // ConvAlgorithm
  Operand x;
  Operand gy;
  Operand gw;
  Operand gbias;
};
static_assert(sizeof(Conv2dGradWeightArgs) == 424, "Conv2dGradWeightArgs");

struct MaxPool2dArgs {
  PoolGeometry geometry;
  Operand x;
  Operand y;
  Operand index;
};
static_assert(sizeof(MaxPool2dArgs) == 328, "MaxPool2dArgs");

struct MaxPool2dGradArgs {
  PoolGeometry geometry;
  Operand gy;
  Operand index;
  Operand gx;
};
static_assert(sizeof(MaxPool2dGradArgs) == 328, "MaxPool2dGradArgs");

struct AvgPool2dArgs {
  PoolGeometry geometry;
  int64_t countPadding;
  Operand x;
  Operand y;
};
static_assert(sizeof(AvgPool2dArgs) == 264, "AvgPool2dArgs");

struct AvgPool2dGradArgs {
  PoolGeometry geometry;
  int64_t countPadding;
  Operand gy;
  Operand gx;
};
static_assert(sizeof(AvgPool2dGradArgs) == 264, "AvgPool2dGradArgs");

struct CrossEntropyArgs {
  int64_t rows;
  int64_t classes;
  Operand logits;
  Operand target;
  Operand loss;
};
static_assert(sizeof(CrossEntropyArgs) == 232, "CrossEntropyArgs");

struct CrossEntropyGradArgs {
  int64_t rows;
  int64_t classes;
  Operand logits;
  Operand target;
  Operand g;
  Operand glogits;
};
static_assert(sizeof(CrossEntropyGradArgs) == 304, "CrossEntropyGradArgs");

enum Kernel : int64_t {
  kKernelElementwise,
  kKernelReduce,
  kKernelMatmul,
  kKernelConv2d,
  kKernelConv2dGradInput,
  kKernelConv2dGradWeight,
  kKernelMaxPool2d,
  kKernelMaxPool2dGrad,
  kKernelAvgPool2d,
  kKernelAvgPool2dGrad,
  kKernelCrossEntropy,
  kKernelCrossEntropyGrad,
};

/** The words of a kernel's struct, and the words at which its operands start. */
struct KernelInfo {
  const char* name;
  int words, operandCount, operands[4];
};

constexpr int kKernelCount = 12;
constexpr KernelInfo kKernels[kKernelCount] = {
    {"elementwise", 10, 0, {}},
    {"reduce", 26, 1, {17}},
    {"matmul", 44, 4, {4, 13, 22, 31}},
    {"conv2d", 54, 4, {17, 26, 35, 44}},
    {"conv2dGradInput", 53, 4, {17, 26, 35, 44}},
    {"conv2dGradWeight", 53, 4, {17, 26, 35, 44}},
    {"maxPool2d", 41, 3, {14, 23, 32}},
    {"maxPool2dGrad", 41, 3, {14, 23, 32}},
    {"avgPool2d", 33, 2, {15, 24}},
    {"avgPool2dGrad", 33, 2, {15, 24}},
    {"crossEntropy", 29, 3, {2, 11, 20}},
    {"crossEntropyGrad", 38, 4, {2, 11, 20, 29}},
};

/** X(function, Args) for each kernel, in the order of their numbers. */
#define FOVEA_KERNELS(X) \
  X(elementwise, ElementwiseArgs) \
  X(reduce, ReduceArgs) \
  X(matmul, MatmulArgs) \
  X(conv2d, Conv2dArgs) \
  X(conv2dGradInput, Conv2dGradInputArgs) \
  X(conv2dGradWeight, Conv2dGradWeightArgs) \
  X(maxPool2d, MaxPool2dArgs) \
  X(maxPool2dGrad, MaxPool2dGradArgs) \
  X(avgPool2d, AvgPool2dArgs) \
  X(avgPool2dGrad, AvgPool2dGradArgs) \
  X(crossEntropy, CrossEntropyArgs) \
  X(crossEntropyGrad, CrossEntropyGradArgs)

}  // namespace fovea

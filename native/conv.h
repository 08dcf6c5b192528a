// Images as the convolution kernels see them, whichever algorithm computes: direct (conv_direct.h), with images in
// the lanes (conv_lanes.h), or Winograd's (winograd.h).
#pragma once
#include "abi.h"
#include "gemm.h"

namespace fovea::FOVEA_ISA {

/**
 * Floats that a task's copy of its input should not exceed: what a second-level cache leaves room for, of 512 KB
 * in general and of 1 MB where there is AVX-512.
 */
constexpr int64_t kBandFloats = (kLanes == 16 ? 160 : 96) * 1024;

/** A strided batch of images. */
struct Images {
  const float* data;
  int64_t channels, height, width;
  ptrdiff_t n, c, h, w;  // strides
};

/** The stride of the channels of an image; of a single channel it means nothing and counts as 1. */
inline ptrdiff_t channelStride(const Operand& operand, int64_t channels) {
  return channels == 1 ? 1 : operand.strides[1];
}

inline Images imagesOf(const Operand& operand, const float* data, int64_t channels, const int64_t size[2]) {
  return {data, channels, size[0], size[1], operand.strides[0], channelStride(operand, channels),
          operand.strides[2], operand.strides[3]};
}

/** Rough operations in a whole convolution, for Pool::run. */
inline double workOf(const ConvGeometry& g) {
  return 2.0 * static_cast<double>(g.batch * g.outChannels * g.outSize[0] * g.outSize[1]) *
         static_cast<double>(g.inChannels / g.groups * g.kernelSize[0] * g.kernelSize[1]);
}

}  // namespace fovea::FOVEA_ISA

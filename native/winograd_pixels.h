// The pixels of a tile as a table of addresses, one for each of them: a tile may hang over its image, and any
// layout will do.
#pragma once
#include "conv.h"

namespace fovea::FOVEA_ISA {

/** The addresses of a square of pixels of an image, row by row; `outside` for those outside of it. */
template <class T>
void address(T** to, T* image, const Images& x, int64_t row, int64_t column, int64_t side, T* outside) {
  for (int64_t i = row; i < row + side; ++i) {
    const bool isInside = i >= 0 && i < x.height;
    T* at = image + i * x.h + column * x.w;
    for (int64_t j = column; j < column + side; ++j, at += x.w) {
      *to++ = isInside && j >= 0 && j < x.width ? at : outside;
    }
  }
}

/** Copies the channels of pixels, but for those outside, to [pixel][width], where their addresses then are. */
inline void gather(const float** pixels, int64_t count, int64_t channels, ptrdiff_t channel, float* to,
                   int64_t width, const float* outside) {
  for (int64_t pixel = 0; pixel < count; ++pixel, to += width) {
    if (pixels[pixel] == outside) continue;
    for (int64_t k = 0; k < channels; ++k) to[k] = pixels[pixel][k * channel];
    pixels[pixel] = to;
  }
}

}  // namespace fovea::FOVEA_ISA

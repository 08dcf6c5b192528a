// Convolutions and pools drawn at random, and the plain loop over a window that both are made of.
#pragma once
#include <string>
#include "random_tensor.h"

namespace fovea::bench {

/** Mostly small, with all options; now and then what kernels have ways of their own for. */
ConvGeometry randomConvolution();
/** Without windows that read nothing at all (dilation can do that): they have no meaning, and plans hold none. */
PoolGeometry randomPool();

bool takesWinograd(const ConvGeometry& g);

/** The numbers of a geometry, to name a case by. */
template <class Geometry>
std::string textOf(const Geometry& g) {
  std::string text;
  const auto* words = reinterpret_cast<const int64_t*>(&g);
  for (size_t i = 0; i < sizeof g / sizeof *words; ++i) text += " " + std::to_string(words[i]);
  return text;
}

/** Dimensions from the outermost to the innermost of a map with its channels last. */
inline std::vector<int> channelsLast() { return {0, 2, 3, 1}; }

/**
 * Calls body(row, column, i, j) for each element (i, j) of the window of an output pixel that is at a row and
 * a column of the input, or no more than `margin` outside.
 */
template <class Geometry, class Body>
void eachTap(const Geometry& g, int64_t outRow, int64_t outColumn, const Body& body,
             const int64_t* margin = nullptr) {
  const int64_t across = margin ? margin[1] : 0, down = margin ? margin[0] : 0;
  for (int64_t i = 0; i < g.kernelSize[0]; ++i) {
    for (int64_t j = 0; j < g.kernelSize[1]; ++j) {
      const int64_t row = outRow * g.stride[0] + i * g.dilation[0] - g.padding[0];
      const int64_t column = outColumn * g.stride[1] + j * g.dilation[1] - g.padding[1];
      if (row >= -down && row < g.inSize[0] + down && column >= -across && column < g.inSize[1] + across) {
        body(row, column, i, j);
      }
    }
  }
}

}  // namespace fovea::bench

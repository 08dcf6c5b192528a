// Reading, cutting and writing images for direct convolution. See conv_direct.h.
#include "conv_direct.h"
#include <algorithm>

namespace fovea::FOVEA_ISA {

namespace {

constexpr int64_t kPixels = 2048;  // of a piece: enough to use a block of weights well

inline void copy(float* to, const float* from, int64_t count) {
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store(to + i, load(from + i));
  for (int64_t i = whole; i < count; ++i) to[i] = from[i];
}

}  // namespace

Reader::Reader(const Images& images, int64_t firstColumn, int64_t lastColumn)
    : images(images), firstColumn(firstColumn), columns(lastColumn - firstColumn) {
  // A step of an even number of cache lines would put the pixels of a row into a fraction of the
  // first-level cache's sets; an odd number uses all of them.
  column = images.channels % 32 == 0 ? images.channels + 16 : images.channels;
  row = columns * column;
}

void Reader::read(float* band, int64_t image, int64_t count, int64_t firstRow, int64_t rows) const {
  const Images& x = images;
  const int64_t left = std::clamp<int64_t>(-firstColumn, 0, columns);
  const int64_t right = std::clamp<int64_t>(x.width - firstColumn, left, columns);
  float* to = band;
  for (int64_t n = image; n < image + count; ++n) {
    for (int64_t i = firstRow; i < firstRow + rows; ++i, to += row) {
      if (i < 0 || i >= x.height) {
        std::fill(to, to + row, 0.0f);
        continue;
      }
      std::fill(to, to + left * column, 0.0f);
      std::fill(to + right * column, to + row, 0.0f);
      const float* from = x.data + n * x.n + i * x.h + (firstColumn + left) * x.w;
      if (x.c == 1 && x.w == column) {
        copy(to + left * column, from, (right - left) * column);
      } else if (x.c == 1) {
        for (int64_t j = left; j < right; ++j, from += x.w) copy(to + j * column, from, x.channels);
      } else {
        for (int64_t c = 0; c < x.channels; ++c) {
          for (int64_t j = left; j < right; ++j) {
            to[j * column + c] = from[c * x.c + (j - left) * x.w];
          }
        }
      }
    }
  }
}

Tiling::Tiling(int64_t batch, int64_t height, int64_t width, int64_t step, int64_t extent, int64_t rowFloats,
               int64_t atLeast)
    : batch(batch), height(height), images(1), bands(1) {
  const int64_t whole = ((height - 1) * step + extent) * rowFloats;
  if (whole <= kBandFloats) {
    images = std::min({kBandFloats / std::max<int64_t>(whole, 1), batch / atLeast,
                       kPixels / std::max<int64_t>(height * width, 1)});
    images = std::max<int64_t>(images, 1);
  } else {
    bands = divideUp(height, std::max<int64_t>((kBandFloats / rowFloats - extent) / step + 1, 1));
  }
  if (images == 1) {
    const int64_t wanted = divideUp(atLeast, std::max<int64_t>(batch, 1));
    bands = std::max(bands, std::min(wanted, height));
  }
  rows = std::max<int64_t>(divideUp(height, std::max<int64_t>(bands, 1)), 1);  // also where the height is 0
  imageGroups = divideUp(batch, images);
  bands = divideUp(height, rows);
}

Piece Tiling::operator[](int64_t index) const {
  const int64_t image = index / bands * images, row = index % bands * rows;
  return {image, std::min(images, batch - image), row, std::min(rows, height - row)};
}

Tasks::Tasks(int threads, const Panels& columns, int64_t batch, int64_t height, int64_t width, int64_t step,
             int64_t extent, int64_t rowFloats)
    : pieces(batch, height, width, step, extent, rowFloats,
             divideUp(threads == 1 ? 1 : 4 * threads, columns.count)),
      panels(columns.count) {
  const int64_t wanted = threads == 1 ? 1 : 4 * threads;
  splits = std::clamp<int64_t>(divideUp(wanted, std::max<int64_t>(pieces.count(), 1)), 1, panels);
}

void multiplyInto(const Pixels& to, Product product, const Panels& panels, int64_t first, int64_t last) {
  product.c = to.channel == 1 ? to.data : to.staging;
  product.cRow = to.channel == 1 ? to.pixelAt : to.stagingAt;
  product.isFar = true;
  multiply(product, panels, first, last);
  if (to.channel == 1) return;
  // Pixels 16 at a time, so that a line of the image is written while it is near.
  const int64_t begin = panels.start(first), end = begin + panels.columnsOf(first, last);
  for (int64_t i = 0; i < product.m; i += 16) {
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t p = i; p < std::min(i + 16, product.m); ++p) {
        to.data[to.pixelAt[p] + j * to.channel] = to.staging[to.stagingAt[p] + j];
      }
    }
  }
}

}  // namespace fovea::FOVEA_ISA

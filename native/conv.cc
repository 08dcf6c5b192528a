// Reading, cutting and writing images for the convolutions. See conv.h.
#include "conv.h"
#include <algorithm>

namespace fovea::FOVEA_ISA {

namespace {

inline void copy(float* to, const float* from, int64_t count) {
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store(to + i, load(from + i));
  for (int64_t i = whole; i < count; ++i) to[i] = from[i];
}

}  // namespace

Images imagesOf(const Operand& operand, const float* data, int64_t channels, const int64_t size[2]) {
  return {data, channels, size[0], size[1], operand.strides[0], channelStride(operand, channels),
          operand.strides[2], operand.strides[3]};
}

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

Tiling tile(int64_t batch, int64_t rows, int64_t columns, int64_t step, int64_t extent,
            int64_t rowFloats, int64_t atLeast) {
  constexpr int64_t kPixels = 2048;  // enough to use a block of weights well
  const int64_t whole = ((rows - 1) * step + extent) * rowFloats;
  int64_t images = 1, bands = 1;
  if (whole <= kBandFloats) {
    images = std::min({kBandFloats / std::max<int64_t>(whole, 1), batch / atLeast,
                       kPixels / std::max<int64_t>(rows * columns, 1)});
    images = std::max<int64_t>(images, 1);
  } else {
    bands = divideUp(rows, std::max<int64_t>((kBandFloats / rowFloats - extent) / step + 1, 1));
  }
  if (images == 1) {
    bands = std::clamp<int64_t>(divideUp(atLeast, std::max<int64_t>(batch, 1)), bands, rows);
  }
  const int64_t bandRows = divideUp(rows, bands);
  return {images, bandRows, divideUp(batch, images), divideUp(rows, bandRows)};
}

Piece pieceOf(const Tiling& tiling, int64_t batch, int64_t rows, int64_t task) {
  const int64_t image = task / tiling.bands * tiling.images;
  const int64_t row = task % tiling.bands * tiling.rows;
  return {image, std::min(tiling.images, batch - image), row, std::min(tiling.rows, rows - row)};
}

void scatter(const float* from, int64_t m, int64_t n, int64_t width, float* to, const ptrdiff_t* toRow,
             ptrdiff_t toColumn) {
  for (int64_t i = 0; i < m; i += 16) {
    for (int64_t j = 0; j < n; ++j) {
      const int64_t end = std::min(i + 16, m);
      for (int64_t p = i; p < end; ++p) to[toRow[p] + j * toColumn] = from[p * width + j];
    }
  }
}

}  // namespace fovea::FOVEA_ISA

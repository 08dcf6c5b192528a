#include "space.h"

namespace fovea::FOVEA_ISA {

namespace {

int64_t sizeOf(int64_t stride) { return stride < 0 ? -stride : stride; }

}  // namespace

Space::Space(int64_t rank, const int64_t* shape, const int64_t* key, const int64_t* const* strides,
             int strideCount, const int64_t* marks) {
  int order[kMaxAxes];
  int count = 0;
  for (int d = 0; d < rank; ++d) {
    if (shape[d] == 1) continue;
    int place = count++;
    for (; place > 0 && sizeOf(key[order[place - 1]]) < sizeOf(key[d]); --place) {
      order[place] = order[place - 1];
    }
    order[place] = d;
  }
  for (int i = 0; i < count; ++i) {
    const int d = order[i];
    const int64_t mark = marks ? marks[d] : 0;
    bool merges = axes_ > 0 && mark_[axes_ - 1] == mark;
    for (int s = 0; merges && s < strideCount; ++s) {
      merges = strides[s][source_[axes_ - 1]] == strides[s][d] * shape[d];
    }
    if (!merges) {
      mark_[axes_] = mark;
      size_[axes_++] = 1;
    }
    size_[axes_ - 1] *= shape[d];
    source_[axes_ - 1] = d;
  }
  // Tiles have two axes: put axes of size 1 in front until there are two.
  while (axes_ < 2) {
    for (int i = axes_++; i > 0; --i) {
      size_[i] = size_[i - 1];
      mark_[i] = mark_[i - 1];
      source_[i] = source_[i - 1];
    }
    size_[0] = 1;
    mark_[0] = axes_ > 1 ? mark_[1] : 0;
    source_[0] = -1;
  }
}

void Space::chooseRows(int axis) {
  const int64_t size = size_[axis], mark = mark_[axis];
  const int source = source_[axis];
  for (int i = axis; i < rowAxis(); ++i) {
    size_[i] = size_[i + 1];
    mark_[i] = mark_[i + 1];
    source_[i] = source_[i + 1];
  }
  size_[rowAxis()] = size;
  mark_[rowAxis()] = mark;
  source_[rowAxis()] = source;
}

void Space::setTile(int64_t rows, int64_t inner) {
  tileRows_ = rows;
  tileInner_ = inner;
}

int64_t Space::points() const {
  int64_t product = 1;
  for (int i = 0; i < axes_; ++i) product *= size_[i];
  return product;
}

int64_t Space::steps(int axis) const {
  const int64_t step = axis == innerAxis() ? tileInner_ : axis == rowAxis() ? tileRows_ : 1;
  return (size_[axis] + step - 1) / step;
}

int64_t Space::tiles(int64_t mark) const {
  int64_t product = 1;
  for (int axis = 0; axis < axes_; ++axis) {
    if (mark_[axis] == mark) product *= steps(axis);
  }
  return product;
}

Tile Space::tile(int64_t number, int64_t marked) const {
  Tile tile;
  for (int axis = innerAxis(); axis >= 0; --axis) {
    int64_t& left = mark_[axis] == 0 ? number : marked;
    const int64_t count = steps(axis);
    tile.at[axis] = left % count;
    left /= count;
  }
  int64_t& row = tile.at[rowAxis()];
  int64_t& inner = tile.at[innerAxis()];
  row *= tileRows_;
  inner *= tileInner_;
  const int64_t rowsLeft = size(rowAxis()) - row, innerLeft = size(innerAxis()) - inner;
  tile.rows = static_cast<int>(rowsLeft < tileRows_ ? rowsLeft : tileRows_);
  tile.inner = static_cast<int>(innerLeft < tileInner_ ? innerLeft : tileInner_);
  return tile;
}

}  // namespace fovea::FOVEA_ISA

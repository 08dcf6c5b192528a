// The iteration space of an elementwise or reduce call, rearranged so that memory is walked in
// order, and cut into tiles of at most kBlock points. Depends on shapes and strides alone.
#pragma once
#include <cstdint>

#include "abi.h"

namespace fovea::FOVEA_ISA {

/** Points of a tile: few enough for all registers to stay in the first cache. */
constexpr int kBlock = 1024;
constexpr int kMaxAxes = kMaxRank + 2;

/** A block of the space: `rows` × `inner` points of the last two axes from `at` on. */
struct Tile {
  int64_t at[kMaxAxes];
  int rows, inner;
  int count() const { return rows * inner; }
};

class Space {
 public:
  /**
   * The axes of `shape` in the order of `key`'s strides, largest first, those of size 1 left out;
   * neighbours that each of the stride lists can walk as one are merged. `marks`, if given, are 0
   * or 1 for each dimension; axes with different marks stay apart.
   */
  Space(int64_t rank, const int64_t* shape, const int64_t* key, const int64_t* const* strides,
        int strideCount, const int64_t* marks);

  /** Makes this axis the last but one: the rows of tiles. */
  void chooseRows(int axis);
  /** The largest rows and inner size of a tile; they must multiply to kBlock or less. */
  void setTile(int64_t rows, int64_t inner);

  int axes() const { return axes_; }
  int rowAxis() const { return axes_ - 2; }
  int innerAxis() const { return axes_ - 1; }
  int64_t size(int axis) const { return size_[axis]; }
  /** An operand's stride along an axis, given its strides along the call's dimensions. */
  int64_t stride(const int64_t* strides, int axis) const {
    return source_[axis] < 0 ? 0 : strides[source_[axis]];
  }
  int64_t mark(int axis) const { return mark_[axis]; }
  int64_t points() const;

  int64_t tileRows() const { return tileRows_; }
  int64_t tileInner() const { return tileInner_; }
  /** How many tiles there are along the axes with this mark. */
  int64_t tiles(int64_t mark = 0) const;
  /**
   * A tile by its number along the axes with mark 0 and that along the marked ones; both count
   * along inner first, then rows, then the outer axes from the last on.
   */
  Tile tile(int64_t number, int64_t marked = 0) const;

 private:
  /** Tiles along one axis; outside the rows and inner axes each point is a step of its own. */
  int64_t steps(int axis) const;

  int axes_ = 0;
  int64_t size_[kMaxAxes];
  int64_t mark_[kMaxAxes];
  int source_[kMaxAxes];  // the call's dimension whose strides hold; −1 for an axis of size 1
  int64_t tileRows_ = 1, tileInner_ = 1;
};

}  // namespace fovea::FOVEA_ISA

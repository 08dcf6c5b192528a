// A constant matrix applied to both sides of a tile of vectors, T·X·Tᵀ: how all of Winograd's transforms
// are done. T is known while compiling, so that a 1-D pass is a straight line of additions and FMAs in
// registers: coefficients of 0 are left out, those of ±1 are not multiplied, and what the points p and −p
// have in common is computed once:
//   two rows for p and −p (of Bᵀ and G) hold the same coefficients but for the signs of the odd ones, so they
//   are even part + odd part and even part − odd part;
//   two columns for p and −p (of Aᵀ) are the same but for the signs of the odd rows, so that their terms are
//   added once for all even rows and subtracted once for all odd ones.
#pragma once
#include <initializer_list>
#include "winograd.h"

namespace fovea::FOVEA_ISA {

// The matrices as types, which templates can take.
template <int alpha>
struct InputTransform {
  static constexpr auto matrix = inputTransform<alpha>();
};
template <int m, int r>
struct FilterTransform {
  static constexpr auto matrix = filterTransform<m, r>();
};
template <int m, int r>
struct ResultTransform {
  static constexpr auto matrix = resultTransform<m, r>();
};

/** s, if row j of T is s·(−1)^k times row i in each column k; 0 if there is no such s of ±1. */
template <class T>
constexpr int mirrorsRow(int i, int j) {
  int sign = 0;
  for (int k = 0; k < T::matrix.columns; ++k) {
    const double a = T::matrix.at[i][k] * (k % 2 ? -1 : 1), b = T::matrix.at[j][k];
    if (a != b && a != -b) return 0;
    const int here = a == 0 ? sign : a == b ? 1 : -1;
    if (sign != 0 && here != sign) return 0;
    sign = here;
  }
  return sign;
}
/** Whether column l of T is (−1)^i times column k in each row i. */
template <class T>
constexpr bool mirrorsColumn(int k, int l) {
  for (int i = 0; i < T::matrix.rows; ++i) {
    if (T::matrix.at[i][l] != T::matrix.at[i][k] * (i % 2 ? -1 : 1)) return false;
  }
  return true;
}
/** The row, or column, that mirrors row, or column, i; −1 if there is none. */
template <class T>
constexpr int rowMirror(int i) {
  for (int j = 0; j < T::matrix.rows; ++j) if (j != i && mirrorsRow<T>(i, j) != 0) return j;
  return -1;
}
template <class T>
constexpr int columnMirror(int k) {
  for (int l = 0; l < T::matrix.columns; ++l) if (l != k && mirrorsColumn<T>(k, l)) return l;
  return -1;
}
template <class T>
constexpr bool hasMirroredColumns() {
  for (int k = 0; k < T::matrix.columns; ++k) if (columnMirror<T>(k) >= 0) return true;
  return false;
}

/** Which columns of a row to sum. */
enum class Part { all, even, odd, unmirrored };

/** Row `row` of T, with 0 in the columns that do not take part. */
template <class T, int row, Part part>
struct RowOf {
  static constexpr int count = T::matrix.columns;
  static constexpr double at(int k) {
    const bool takesPart = part == Part::even         ? k % 2 == 0
                           : part == Part::odd        ? k % 2 == 1
                           : part == Part::unmirrored ? columnMirror<T>(k) < 0 || columnMirror<T>(k) > k
                                                      : true;
    return takesPart ? T::matrix.at[row][k] : 0;
  }
  /** The term to begin with: one that needs no multiplication, if there is any. */
  static constexpr int first() {
    for (const bool isOne : {true, false}) {
      for (int k = 0; k < count; ++k) if (isOne ? at(k) == 1 : at(k) != 0) return k;
    }
    return -1;
  }
};

/** Σ Row::at(k)·x[k]; 0 if there are no terms. */
template <class Row>
FOVEA_INLINE vec dot(const vec* x) {
  constexpr int first = Row::first();
  vec sum{};
  if constexpr (first >= 0) {
    if constexpr (Row::at(first) == 1) sum = x[first];
    else sum = static_cast<float>(Row::at(first)) * x[first];
  }
  unroll<Row::count>([&](auto k) {
    constexpr double c = k == first ? 0 : Row::at(k);
    if constexpr (c == 1) sum += x[k];
    else if constexpr (c == -1) sum -= x[k];
    else if constexpr (c != 0) sum += static_cast<float>(c) * x[k];
  });
  return sum;
}

/** y = T·x. */
template <class T>
FOVEA_INLINE void transformLine(const vec* x, vec* y) {
  if constexpr (hasMirroredColumns<T>()) {
    vec sum[T::matrix.columns], difference[T::matrix.columns];
    unroll<T::matrix.columns>([&](auto k) {
      constexpr int mirror = columnMirror<T>(k);
      if constexpr (mirror < 0) {
        sum[k] = difference[k] = x[k];
      } else if constexpr (mirror > k) {
        sum[k] = x[k] + x[mirror];
        difference[k] = x[k] - x[mirror];
      }
    });
    unroll<T::matrix.rows>([&](auto i) {
      y[i] = dot<RowOf<T, i, Part::unmirrored>>(i % 2 ? difference : sum);
    });
  } else {
    unroll<T::matrix.rows>([&](auto i) {
      constexpr int mirror = rowMirror<T>(i);
      if constexpr (mirror < 0) {
        y[i] = dot<RowOf<T, i, Part::all>>(x);
      } else if constexpr (mirror > i) {
        const vec even = dot<RowOf<T, i, Part::even>>(x), odd = dot<RowOf<T, i, Part::odd>>(x);
        y[i] = even + odd;
        y[mirror] = mirrorsRow<T>(i, mirror) > 0 ? even - odd : odd - even;
      }
    });
  }
}

/** out(i, j, v) for each element v of T·X·Tᵀ, where X[k][l] = in(k, l). */
template <class T, class In, class Out>
FOVEA_INLINE void transformTile(In&& in, Out&& out) {
  constexpr int rows = T::matrix.rows, columns = T::matrix.columns;
  vec half[rows][columns];  // T·X
  for (int l = 0; l < columns; ++l) {
    vec x[columns], y[rows];
    unroll<columns>([&](auto k) { x[k] = in(k, l); });
    transformLine<T>(x, y);
    unroll<rows>([&](auto i) { half[i][l] = y[i]; });
  }
  for (int i = 0; i < rows; ++i) {
    vec y[rows];
    transformLine<T>(half[i], y);
    unroll<rows>([&](auto j) { out(i, j, y[j]); });
  }
}

/**
 * to[(i·rows + j)·point] = (T·X·Tᵀ)[i][j] for a vector of channels of pixels: X's elements, row by row, are c floats
 * after the pointers `at`. Of a vector that is not whole, `lanes` exist, and the rest count as 0. Meanwhile the
 * pixels of the next tile are fetched, each where one of this tile is used. (In a loop of their own GCC takes the
 * fetches for nothing, and leaves them out, or they come all at once.)
 */
template <class T, class IsWhole>
FOVEA_INLINE void transformPixels(const float* const* at, const float* const* next, int64_t c, IsWhole isWhole,
                                  int lanes, float* to, ptrdiff_t point) {
  constexpr int rows = T::matrix.rows, columns = T::matrix.columns;
  transformTile<T>(
      [&](int i, int j) {
        __builtin_prefetch(next[i * columns + j] + c);
        const float* p = at[i * columns + j] + c;
        return isWhole ? load(p) : loadPart(p, lanes);
      },
      [&](int i, int j, vec v) { store(to + (i * rows + j) * point, v); });
}

}  // namespace fovea::FOVEA_ISA

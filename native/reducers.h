// How values are gathered into one: sum, max and argmax, for f32 and i32. A reducer has an
// accumulator and takes dense runs of values, either all into one or one each.
#pragma once
#include "simd.h"
#include "space.h"

namespace fovea::FOVEA_ISA {

/** f32 sums: partial sums of a few dozen values in f32, all that is above them in f64. */
struct SumF32 {
  using Value = float;
  using Accumulator = double;
  static constexpr bool needsPlace = false;
  static Accumulator start() { return 0; }
  static void combine(double& into, double from) { into += from; }
  static float finish(double sum) { return static_cast<float>(sum); }

  /** All of `count` values into one. */
  static void takeRun(double& sum, const float* values, int count, int64_t, int64_t) {
    if (count < kLanes) {
      for (int i = 0; i < count; ++i) sum += values[i];
      return;
    }
    vec partial[4] = {};
    int i = 0;
    for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
      unroll<4>([&](auto k) { partial[k] += load(values + i + k * kLanes); });
    }
    for (; i + kLanes <= count; i += kLanes) partial[0] += load(values + i);
    double tail = 0;
    for (; i < count; ++i) tail += values[i];
    sum += sumLanes((partial[0] + partial[1]) + (partial[2] + partial[3])) + tail;
  }

  /** Row after row of `inner` values, each column into its own. */
  static void takeColumns(double* sums, const float* values, int rows, int inner, int64_t,
                          int64_t, int64_t) {
    if (rows == 1) {
      for (int i = 0; i < inner; ++i) sums[i] += values[i];
      return;
    }
    constexpr int kRows = 64;  // at most that many in f32
    float partial[kBlock];
    int done = 0;
    if (inner < kLanes && rows >= 2 * kLanes) {
      done = rows / kLanes * kLanes;
      sumNarrowRows(sums, values, done, inner);
    }
    for (int first = done; first < rows; first += kRows) {
      const int count = rows - first < kRows ? rows - first : kRows;
      sumRows(partial, values + static_cast<int64_t>(first) * inner, count, inner);
      for (int i = 0; i < inner; ++i) sums[i] += partial[i];
    }
  }

  /**
   * sums[i] += Σ values[r·inner + i] where a vector holds more than a row. kLanes rows are `inner`
   * vectors: those with the same place among them are added up, which leaves kLanes rows.
   */
  static void sumNarrowRows(double* sums, const float* values, int rows, int inner) {
    const int step = inner * kLanes;
    float last[kLanes * kLanes];
    for (int place = 0; place < step; place += kLanes) {
      vec even{}, odd{};
      int at = place;
      for (; at + step < rows * inner; at += 2 * step) {
        even += load(values + at);
        odd += load(values + at + step);
      }
      if (at < rows * inner) even += load(values + at);
      store(last + place, even + odd);
    }
    for (int i = 0; i < inner; ++i) {
      double sum[2] = {};
      for (int r = 0; r < kLanes; r += 2) {
        sum[0] += last[r * inner + i];
        sum[1] += last[(r + 1) * inner + i];
      }
      sums[i] += sum[0] + sum[1];
    }
  }

  /** sums[i] = Σ values[r·inner + i] over a few rows, in f32. */
  static void sumRows(float* sums, const float* values, int rows, int inner) {
    int i = 0;
    for (; i + kLanes <= inner; i += kLanes) {
      vec even{}, odd{};
      int r = 0;
      for (; r + 2 <= rows; r += 2) {
        even += load(values + r * inner + i);
        odd += load(values + (r + 1) * inner + i);
      }
      if (r < rows) even += load(values + r * inner + i);
      store(sums + i, even + odd);
    }
    for (; i < inner; ++i) {
      float partial[4] = {};
      int r = 0;
      for (; r + 4 <= rows; r += 4) {
        for (int k = 0; k < 4; ++k) partial[k] += values[(r + k) * inner + i];
      }
      for (; r < rows; ++r) partial[0] += values[r * inner + i];
      sums[i] = (partial[0] + partial[1]) + (partial[2] + partial[3]);
    }
  }
};

/** i32 sums wrap. */
struct SumI32 {
  using Value = int32_t;
  using Accumulator = uint32_t;
  static constexpr bool needsPlace = false;
  static Accumulator start() { return 0; }
  static void combine(uint32_t& into, uint32_t from) { into += from; }
  static int32_t finish(uint32_t sum) { return static_cast<int32_t>(sum); }
  static void takeRun(uint32_t& sum, const int32_t* values, int count, int64_t, int64_t) {
    for (int i = 0; i < count; ++i) sum += static_cast<uint32_t>(values[i]);
  }
  static void takeColumns(uint32_t* sums, const int32_t* values, int rows, int inner, int64_t,
                          int64_t, int64_t) {
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < inner; ++i) sums[i] += static_cast<uint32_t>(values[r * inner + i]);
    }
  }
};

FOVEA_INLINE vec getVector(const float* from) { return load(from); }
FOVEA_INLINE ivec getVector(const int32_t* from) {
  return (ivec)load(reinterpret_cast<const float*>(from));
}
constexpr float leastOf(float) { return -__builtin_inff(); }
constexpr int32_t leastOf(int32_t) { return -0x7fffffff - 1; }

/** The larger one of numbers or of vectors; NaN wins over all. (An i32 always equals itself.) */
template <class T>
FOVEA_INLINE T larger(T a, T b) {
  return ((a > b) | (a != a)) ? a : b;
}

template <class T>
struct Max {
  using Value = T;
  using Accumulator = T;
  static constexpr bool needsPlace = false;
  static T start() { return leastOf(T()); }
  static void combine(T& into, T from) { into = larger(from, into); }
  static T finish(T value) { return value; }
  static void takeRun(T& best, const T* values, int count, int64_t, int64_t) {
    int i = 0;
    if (count >= 2 * kLanes) {
      auto even = getVector(values), odd = getVector(values + kLanes);
      for (i = 2 * kLanes; i + 2 * kLanes <= count; i += 2 * kLanes) {
        even = larger(getVector(values + i), even);
        odd = larger(getVector(values + i + kLanes), odd);
      }
      even = larger(even, odd);
      for (int k = 0; k < kLanes; ++k) combine(best, even[k]);
    }
    for (; i < count; ++i) combine(best, values[i]);
  }
  static void takeColumns(T* best, const T* values, int rows, int inner, int64_t, int64_t,
                          int64_t) {
    int i = 0;
    for (; i + kLanes <= inner; i += kLanes) {
      auto most = getVector(best + i);
      for (int r = 0; r < rows; ++r) most = larger(getVector(values + r * inner + i), most);
      store(reinterpret_cast<float*>(best + i), (vec)most);
    }
    for (; i < inner; ++i) {
      for (int r = 0; r < rows; ++r) combine(best[i], values[r * inner + i]);
    }
  }
};

/** The place of the first maximum or, if there is one, of the first NaN. */
template <class T>
struct Argmax {
  struct Accumulator {
    T value;
    int64_t place;  // −1: nothing yet
  };
  using Value = T;
  static constexpr bool needsPlace = true;
  static Accumulator start() { return {T(0), -1}; }
  static int32_t finish(const Accumulator& best) { return static_cast<int32_t>(best.place); }
  static void combine(Accumulator& into, const Accumulator& from) {
    if (from.place >= 0) take(into, from.value, from.place);
  }
  /** Values come in any order of their places. */
  static void take(Accumulator& best, T value, int64_t place) {
    const bool isNaN = value != value, bestIsNaN = best.value != best.value;
    const bool isTie = isNaN ? bestIsNaN : value == best.value;
    const bool isBetter = isNaN ? !bestIsNaN : value > best.value;
    if (best.place < 0 || isBetter || (isTie && place < best.place)) best = {value, place};
  }
  static void takeRun(Accumulator& best, const T* values, int count, int64_t place, int64_t step) {
    for (int i = 0; i < count; ++i) take(best, values[i], place + i * step);
  }
  static void takeColumns(Accumulator* best, const T* values, int rows, int inner, int64_t place,
                          int64_t rowStep, int64_t innerStep) {
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < inner; ++i) {
        take(best[i], values[r * inner + i], place + r * rowStep + i * innerStep);
      }
    }
  }
};

}  // namespace fovea::FOVEA_ISA

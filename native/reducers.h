// How values are gathered into one: sum, max and argmax, for f32 and i32. A reducer has an
// accumulator and takes dense runs of values, either all into one or one each.
#pragma once
#include "simd.h"

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
    vec partial[4] = {};
    int i = 0;
    for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
      unroll<4>([&](auto k) { partial[k] += load(values + i + k * kLanes); });
    }
    for (; i + kLanes <= count; i += kLanes) partial[0] += load(values + i);
    double tail = 0;
    for (const int end = count; i < end; ++i) tail += values[i];
    sum += sumLanes((partial[0] + partial[1]) + (partial[2] + partial[3])) + tail;
  }

  /** Row after row of `inner` values, each column into its own. */
  static void takeColumns(double* sums, const float* values, int rows, int inner, int64_t,
                          int64_t, int64_t) {
    constexpr int kRows = 64;  // at most that many in f32
    for (int first = 0; first < rows; first += kRows) {
      const int count = rows - first < kRows ? rows - first : kRows;
      const float* from = values + static_cast<int64_t>(first) * inner;
      int i = 0;
      for (; i + kLanes <= inner; i += kLanes) {
        vec partial[2] = {};
        int r = 0;
        for (; r + 2 <= count; r += 2) {
          partial[0] += load(from + r * inner + i);
          partial[1] += load(from + (r + 1) * inner + i);
        }
        if (r < count) partial[0] += load(from + r * inner + i);
        float lanes[kLanes];
        store(lanes, partial[0] + partial[1]);
        for (int k = 0; k < kLanes; ++k) sums[i + k] += lanes[k];
      }
      for (; i < inner; ++i) {
        float partial[4] = {};
        int r = 0;
        for (; r + 4 <= count; r += 4) {
          for (int k = 0; k < 4; ++k) partial[k] += from[(r + k) * inner + i];
        }
        for (; r < count; ++r) partial[0] += from[r * inner + i];
        sums[i] += (partial[0] + partial[1]) + (partial[2] + partial[3]);
      }
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

/** The larger one; NaN wins over all. (An i32 is always equal to itself.) */
template <class T>
FOVEA_INLINE T larger(T a, T b) {
  return (a > b) | (a != a) ? a : b;
}

constexpr float leastOf(float) { return -__builtin_inff(); }
constexpr int32_t leastOf(int32_t) { return -0x7fffffff - 1; }

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
    if (count >= kLanes) {
      T lanes[kLanes];
      for (int k = 0; k < kLanes; ++k) lanes[k] = values[k];
      for (i = kLanes; i + kLanes <= count; i += kLanes) {
        for (int k = 0; k < kLanes; ++k) lanes[k] = larger(values[i + k], lanes[k]);
      }
      for (int k = 0; k < kLanes; ++k) combine(best, lanes[k]);
    }
    for (; i < count; ++i) combine(best, values[i]);
  }
  static void takeColumns(T* best, const T* values, int rows, int inner, int64_t, int64_t,
                          int64_t) {
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < inner; ++i) best[i] = larger(values[r * inner + i], best[i]);
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

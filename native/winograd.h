// Winograd's minimal filtering, as one family: F(m×m, r×r) computes m×m results of a correlation with an
// r×r filter from an input tile of α×α, α = m + r − 1, with α² multiplications instead of m²·r²:
//
//     Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// The three matrices are made here, while compiling, from α − 1 points and the point at infinity (Toom and
// Cook). Bᵀ depends on the points alone, so that all filters with the same α share the input's transform:
// F(4, 3) and F(2, 5) with 6 points, F(6, 3) and F(4, 5) with 8. The weight gradient is the same picture
// turned round, F(r, m): a tile of the result's gradient is its filter, and the weight's its result.
//
// After Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016). The points are those that
// Barabasz, Anderson, Soodhalter and Gregg, "Error Analysis and Improving the Accuracy of Winograd
// Convolution for Deep Neural Networks" (2018) found to round least.
#pragma once
#include "abi.h"
#include "simd.h"

namespace fovea::FOVEA_ISA {

/** Whether these algorithms can compute a convolution, or one of its gradients. */
inline bool takesWinograd(const ConvGeometry& g) {
  const int64_t r = g.kernelSize[0];
  return r == g.kernelSize[1] && (r == 3 || r == 5) && g.stride[0] == 1 && g.stride[1] == 1 && g.dilation[0] == 1 &&
         g.dilation[1] == 1;
}
constexpr const char* kNotForWinograd = "Winograd's algorithms take kernels of 3×3 and 5×5, stride and dilation 1";

/** Points by α. All are short binary fractions: products of them are exact. */
template <int alpha>
struct Points;
template <>
struct Points<6> {
  static constexpr double at[5] = {0, 1, -1, 0.5, -2};
};
template <>
struct Points<8> {
  static constexpr double at[7] = {0, 1, -1, 0.5, -0.5, 2, -2};
};

template <int rows_, int columns_>
struct Matrix {
  static constexpr int rows = rows_, columns = columns_;
  double at[rows_][columns_] = {};
};

/** Aᵀ of F(m, r): row i evaluates pⁱ at every point. */
template <int m, int r>
constexpr Matrix<m, m + r - 1> resultTransform() {
  constexpr int alpha = m + r - 1;
  Matrix<m, alpha> a;
  for (int j = 0; j < alpha - 1; ++j) {
    double power = 1;
    for (int i = 0; i < m; ++i, power *= Points<alpha>::at[j]) a.at[i][j] = power;
  }
  a.at[m - 1][alpha - 1] = 1;
  return a;
}

/** G of F(m, r): the filter's polynomial at every point, over Π (p_j − p_l). */
template <int m, int r>
constexpr Matrix<m + r - 1, r> filterTransform() {
  constexpr int alpha = m + r - 1;
  constexpr auto& p = Points<alpha>::at;
  Matrix<alpha, r> g;
  for (int j = 0; j < alpha - 1; ++j) {
    double norm = 1, power = 1;
    for (int l = 0; l < alpha - 1; ++l) norm *= l == j ? 1 : p[j] - p[l];
    for (int k = 0; k < r; ++k, power *= p[j]) g.at[j][k] = power / norm;
  }
  g.at[alpha - 1][r - 1] = 1;
  return g;
}

/** Bᵀ: row j holds the coefficients of Π over l ≠ j of (x − p_l); the last row, those of all factors. */
template <int alpha>
constexpr Matrix<alpha, alpha> inputTransform() {
  constexpr auto& p = Points<alpha>::at;
  Matrix<alpha, alpha> b;
  for (int j = 0; j < alpha; ++j) {
    b.at[j][0] = 1;
    int degree = 0;
    for (int l = 0; l < alpha - 1; ++l) {
      if (l == j) continue;
      ++degree;
      for (int k = degree; k >= 0; --k) {
        b.at[j][k] = (k > 0 ? b.at[j][k - 1] : 0) - p[l] * (k < degree ? b.at[j][k] : 0);
      }
    }
  }
  return b;
}

/**
 * Step from point to point where each takes up so many floats: an odd number of cache lines, so that the
 * points of one element lie in different sets of the first-level cache.
 */
constexpr int64_t pointStep(int64_t floats) { return (floats + 31) / 32 * 32 + 16; }

}  // namespace fovea::FOVEA_ISA

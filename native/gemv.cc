// Matrix times vector, y[j] = act(Σ_k M[j][k]·x[k] + bias[j]), in two ways: M's rows contiguous
// (dot products, four rows at a time) or its columns (sums of columns, into a strip of y that stays
// in the first-level cache). Either way M is read once, in order.
#include "gemv.h"
#include <algorithm>
#include "gemm.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int64_t kStrip = 1024;  // columns of M that a task sums
constexpr int64_t kRows = 32;     // rows of M that a task multiplies

struct Gemv {
  int64_t rows, depth;
  Operand matrix, vector;
  ptrdiff_t mRow, mDepth, xStep, yStep, biasStep;

  explicit Gemv(const MatmulArgs& p) {
    if (p.m == 1) {
      *this = Gemv{p.n, p.k, p.b, p.a, p.b.strides[2], p.b.strides[1], p.a.strides[2],
                   p.c.strides[2], p.bias.strides[0]};
    } else {
      *this = Gemv{p.m, p.k, p.a, p.b, p.a.strides[1], p.a.strides[2], p.b.strides[1],
                   p.c.strides[1], 0};
    }
  }
  bool byRows() const { return mDepth == 1; }
  bool byColumns() const { return mRow == 1; }

 private:
  Gemv(int64_t rows, int64_t depth, const Operand& matrix, const Operand& vector, ptrdiff_t mRow,
       ptrdiff_t mDepth, ptrdiff_t xStep, ptrdiff_t yStep, ptrdiff_t biasStep)
      : rows(rows), depth(depth), matrix(matrix), vector(vector), mRow(mRow), mDepth(mDepth),
        xStep(xStep), yStep(yStep), biasStep(biasStep) {}
};

/** out[r] = Σ_k m[r·step + k]·x[k] for `rows` rows. */
template <int rows>
void dots(const float* m, ptrdiff_t step, const float* x, int64_t depth, float* out) {
  vec sum[rows][2];
  unroll<rows>([&](auto r) { sum[r][0] = sum[r][1] = vec{}; });
  int64_t k = 0;
  for (; k + 2 * kLanes <= depth; k += 2 * kLanes) {
    const vec x0 = load(x + k), x1 = load(x + k + kLanes);
    unroll<rows>([&](auto r) {
      sum[r][0] += load(m + r * step + k) * x0;
      sum[r][1] += load(m + r * step + k + kLanes) * x1;
    });
  }
  for (; k < depth; k += kLanes) {
    const int lanes = static_cast<int>(std::min<int64_t>(kLanes, depth - k));
    const vec part = loadPart(x + k, lanes);
    unroll<rows>([&](auto r) { sum[r][0] += loadPart(m + r * step + k, lanes) * part; });
  }
  unroll<rows>([&](auto r) { out[r] = sumLanes(sum[r][0] + sum[r][1]); });
}

/** out[j] = Σ_k m[k·step + j]·x[k] for j < count; four terms at a time. */
void strip(const float* m, ptrdiff_t step, const float* x, int64_t depth, float* out, int64_t count) {
  std::fill(out, out + count, 0.0f);
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t k = 0; k < depth; k += 4) {
    const float* row[4];
    float factor[4];
    for (int64_t i = 0; i < 4; ++i) {  // past the end: the last row again, not used
      row[i] = m + std::min(k + i, depth - 1) * step;
      factor[i] = x[std::min(k + i, depth - 1)];
    }
    const int64_t terms = std::min<int64_t>(4, depth - k);
    if (terms == 4) {
      const vec f0 = broadcast(factor[0]), f1 = broadcast(factor[1]), f2 = broadcast(factor[2]),
                f3 = broadcast(factor[3]);
      for (int64_t j = 0; j < whole; j += kLanes) {
        vec sum = load(out + j);
        sum += f0 * load(row[0] + j);
        sum += f1 * load(row[1] + j);
        sum += f2 * load(row[2] + j);
        sum += f3 * load(row[3] + j);
        store(out + j, sum);
      }
    }
    for (int64_t j = terms == 4 ? whole : 0; j < count; ++j) {
      for (int64_t i = 0; i < terms; ++i) out[j] += factor[i] * row[i][j];
    }
  }
}

}  // namespace

bool gemvTakes(const MatmulArgs& args) {
  if (args.m != 1 && args.n != 1) return false;
  const Gemv v(args);
  return v.depth > 0 && (v.byRows() || v.byColumns());
}

const char* gemv(const MatmulArgs& args, const Frame& frame) {
  const Gemv v(args);
  const float* bias = frame.at<float>(args.bias);
  float* x = reinterpret_cast<float*>(frame.scratch);
  const int64_t piece = v.byRows() ? kRows : kStrip;
  const int64_t pieces = divideUp(v.rows, piece);
  for (int64_t item = 0; item < args.batch; ++item) {
    const float* from = frame.at<float>(v.vector) + item * v.vector.strides[0];
    for (int64_t k = 0; k < v.depth; ++k) x[k] = from[k * v.xStep];
    const float* m = frame.at<float>(v.matrix) + item * v.matrix.strides[0];
    float* y = frame.at<float>(args.c) + item * args.c.strides[0];

    const auto work = [&](int task, int) {
      alignas(64) float out[kStrip];
      const int64_t first = task * piece, count = std::min(piece, v.rows - first);
      const float* at = m + first * v.mRow;
      if (v.byRows()) {
        int64_t r = 0;
        for (; r + 4 <= count; r += 4) dots<4>(at + r * v.mRow, v.mRow, x, v.depth, out + r);
        for (; r < count; ++r) dots<1>(at + r * v.mRow, v.mRow, x, v.depth, out + r);
      } else {
        strip(at, v.mDepth, x, v.depth, out, count);
      }
      for (int64_t j = 0; j < count; ++j) {
        float value = out[j];
        if (bias) value += bias[(first + j) * v.biasStep];
        y[(first + j) * v.yStep] = args.activation == kRelu ? relu(value) : value;
      }
    };
    frame.pool.run(static_cast<int>(pieces), work,
                   16.0 * static_cast<double>(v.rows) * static_cast<double>(v.depth));
  }
  return nullptr;
}

ScratchBytes gemvScratch(const MatmulArgs& args, int) {
  return {static_cast<size_t>(roundUp(args.k * static_cast<int64_t>(sizeof(float)), 64)), 0};
}

}  // namespace fovea::FOVEA_ISA

// Matrix products: batches, layouts of every factor, bias, ReLU, and none or one of each size.
#include "check.h"

namespace fovea::bench {

namespace {

int64_t randomSize() { return oneIn(3) ? 1 : oneIn(6) ? between(90, 700) : between(1, 40); }

/** Row-major, column-major, or anything. */
Tensor randomMatrix(int64_t buffer, int64_t batch, int64_t rows, int64_t columns) {
  const std::vector<int64_t> shape = {batch, rows, columns};
  if (oneIn(3)) return Tensor(buffer, shape, {0, 1, 2});
  if (oneIn(2)) return Tensor(buffer, shape, {0, 2, 1});
  return Tensor(buffer, shape);
}

}  // namespace

void checkMatmul(const Kernels& kernels) {
  MatmulArgs args{};
  args.batch = oneIn(3) ? between(0, 4) : 1;
  args.m = randomSize(), args.n = randomSize(), args.k = oneIn(20) ? 0 : randomSize();
  while (args.m * args.n * args.k > 8000000) args.m = 1 + args.m / 2, args.n = 1 + args.n / 2;
  Tensor a = randomMatrix(0, args.batch, args.m, args.k), b = randomMatrix(1, args.batch, args.k, args.n),
         c = randomMatrix(2, args.batch, args.m, args.n), bias;
  if (oneIn(2)) bias = Tensor(3, {args.n});
  a.randomise(), b.randomise(), bias.randomise();
  if (args.batch * args.m * args.k > 0 && oneIn(5)) a({0, 0, 0}) = NAN;
  args.a = a.operand, args.b = b.operand, args.c = c.operand, args.bias = bias.operand;
  args.activation = oneIn(2) ? kRelu : kNone;
  setCase(kernels, "matmul " + std::to_string(args.batch) + "x" + std::to_string(args.m) + "x" +
                       std::to_string(args.n) + "x" + std::to_string(args.k));
  runAll(kernels.matmul, args, {&a, &b, &c, &bias}, {&c});
  expect(c, [&](const Index& i) {
    double sum = 0, size = 0;
    for (int64_t k = 0; k < args.k; ++k) {
      const double term = double(a({i[0], i[1], k})) * b({i[0], k, i[2]});
      sum += term, size += std::fabs(term);
    }
    if (bias.isGiven()) sum += bias({i[2]});
    return Expected{args.activation == kRelu && sum < 0 ? 0.0 : sum, size};
  });
}

}  // namespace fovea::bench

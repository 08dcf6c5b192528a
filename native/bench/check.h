// What the checks of all kernels share: running a call on 1, 2 and 3 threads, and holding its results
// against plain sums in double precision.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>
#include "kernels_of.h"
#include "random_tensor.h"

namespace fovea::bench {

// One random case each; check_*.cc.
void checkMatmul(const Kernels& kernels);
void checkConv(const Kernels& kernels);
void checkPools(const Kernels& kernels);
/** Maps that are larger than caches are written past them; that must not be seen in what is written. */
void checkLargePools(const Kernels& kernels, int64_t kernel, int64_t stride);

/** Names the case that is checked from here on. */
void setCase(const Kernels& kernels, const std::string& what);
void fail(const std::string& why);
int failureCount();

/** Pools of 1, 2 and 3 threads. */
const std::vector<Pool*>& pools();

/** Operands in the order of their buffers; those that are not given are left out. */
using Tensors = std::vector<Tensor*>;

/** Calls run(frame) on every pool; see `runAll`. */
void runOnAll(const std::function<ScratchBytes(int threads)>& scratchOf,
              const std::function<const char*(const Frame&)>& run, const Tensors& tensors,
              const Tensors& results);

/**
 * Runs a call on every pool, with garbage in scratch and exactly as much of it as the call asks for. The
 * results must be the same bits each time. `tensors`: of buffer 0, 1, 2 …
 */
template <class Args>
void runAll(const Entry<Args>& kernel, const Args& args, const Tensors& tensors, const Tensors& results) {
  runOnAll([&](int threads) { return kernel.scratch(args, threads); },
           [&](const Frame& frame) { return kernel.run(args, frame); }, tensors, results);
}

/** Σ terms and Σ |terms| of each element of a tensor. */
class Sums {
 public:
  explicit Sums(const Tensor& of) : of_(of), values_(of.data.size()), sizes_(of.data.size()) {}
  void add(const Index& index, double term) {
    const size_t at = static_cast<size_t>(of_.at(index));
    values_[at] += term, sizes_[at] += std::fabs(term);
  }
  double value(const Index& index) const { return values_[static_cast<size_t>(of_.at(index))]; }
  double size(const Index& index) const { return sizes_[static_cast<size_t>(of_.at(index))]; }
  double largestSize() const {
    return sizes_.empty() ? 0 : *std::max_element(sizes_.begin(), sizes_.end());
  }

 private:
  const Tensor& of_;
  std::vector<double> values_, sizes_;
};

/** Relative to Σ |terms|: what sums in another order differ by. */
constexpr double kDirect = 2e-6;

/** What an element should be, and what its rounding is relative to. */
struct Expected {
  double value, scale = 1;
};

/** Every element must be within `tolerance`·scale (and 1e-6) of the expected one, all else untouched. */
void expect(Tensor& result, const std::function<Expected(const Index&)>& expected,
            double tolerance = kDirect);

}  // namespace fovea::bench

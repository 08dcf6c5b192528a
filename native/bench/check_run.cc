#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include "check.h"
#include "scratch.h"

namespace fovea::bench {

namespace {

int failures = 0;
std::string current;

}  // namespace

void setCase(const Kernels& kernels, const std::string& what) {
  current = std::string(kernels.name) + " " + what;
}

void fail(const std::string& why) {
  if (++failures <= 20) std::printf("FAIL %s: %s\n", current.c_str(), why.c_str());
}

int failureCount() { return failures; }

const std::vector<Pool*>& pools() {
  static const std::unique_ptr<Pool> one(new Pool(1)), two(new Pool(2)), three(new Pool(3));
  static const std::vector<Pool*> all = {one.get(), two.get(), three.get()};
  return all;
}

void runOnAll(const std::function<ScratchBytes(int threads)>& scratchOf,
              const std::function<const char*(const Frame&)>& run, const Tensors& tensors,
              const Tensors& results) {
  std::vector<char*> buffers;
  for (Tensor* tensor : tensors) buffers.push_back(reinterpret_cast<char*>(tensor->data.data()));
  std::vector<std::vector<float>> first;
  for (Pool* pool : pools()) {
    for (Tensor* result : results) std::fill(result->data.begin(), result->data.end(), kUntouched);
    const Scratch scratch(scratchOf(pool->threads()), *pool);
    if (const char* why = run(scratch.frame(buffers.data(), *pool))) fail(why);
    if (!scratch.isWhole()) fail("wrote past its scratch");
    if (first.empty()) {
      for (const Tensor* result : results) first.push_back(result->data);
    }
    for (size_t i = 0; i < results.size(); ++i) {
      const size_t size = first[i].size() * sizeof(float);
      if (size > 0 && std::memcmp(first[i].data(), results[i]->data.data(), size) != 0) {
        fail("different bits on " + std::to_string(pool->threads()) + " threads");
      }
    }
  }
}

void expect(Tensor& result, const std::function<Expected(const Index&)>& expected, double tolerance) {
  std::vector<bool> isOurs(result.data.size(), false);
  bool isReported = false;
  result.each([&](const Index& index) {
    isOurs[static_cast<size_t>(result.at(index))] = true;
    const auto [want, scale] = expected(index);
    const double got = result(index);
    const bool isGood = std::isnan(want) ? std::isnan(got)
                                         : want == got || std::fabs(want - got) <= tolerance * scale + 1e-6;
    if (isGood || isReported) return;
    isReported = true;
    std::string where;
    for (const int64_t i : index) where += std::to_string(i) + " ";
    fail("at " + where + "expected " + std::to_string(want) + ", got " + std::to_string(got));
  });
  for (size_t i = 0; i < isOurs.size(); ++i) {
    if (!isOurs[i] && result.data[i] != kUntouched) return fail("wrote outside its result");
  }
}

}  // namespace fovea::bench

// Scratch memory for one call, full of garbage, with more of it behind each part that must stay as it is.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include "../frame.h"
#include "../sanitize.h"

namespace fovea::bench {

class Scratch {
 public:
  static constexpr size_t kLine = 64;

  /** The parts begin at multiples of `step`. */
  Scratch(const ScratchBytes& bytes, const Pool& pool, size_t step = kLine)
      : bytes_(bytes), threads_(pool.threads()), ownAt_(behind(bytes.shared, step)), ownStep_(behind(bytes.own, step)) {
    const size_t all = ownAt_ + static_cast<size_t>(threads_) * ownStep_;
    if (posix_memalign(&data_, step, all) != 0) std::abort();
    std::memset(data_, kGarbage, all);
    eachGap([](char* from, char* to) { guard(from, to); });
  }
  ~Scratch() { std::free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Frame frame(char* const* buffers, Pool& pool) const {
    return {buffers, pool, data(), data() + ownAt_, ownStep_};
  }
  /** Whether nothing was written behind a part. */
  bool isWhole() const {
    bool whole = true;
    if (!kSanitized) {
      eachGap([&](const char* from, const char* to) {
        whole = whole && std::all_of(from, to, [](char c) { return c == static_cast<char>(kGarbage); });
      });
    }
    return whole;
  }

 private:
  static constexpr int kGarbage = 0xff;  // NaN, as floats
  /** Where the next part begins: at least a line further. */
  static size_t behind(size_t bytes, size_t step) { return (bytes + kLine + step - 1) / step * step; }

  char* data() const { return static_cast<char*>(data_); }
  template <class Visit>
  void eachGap(const Visit& visit) const {
    visit(data() + bytes_.shared, data() + ownAt_);
    for (int thread = 0; thread < threads_; ++thread) {
      char* const own = data() + ownAt_ + static_cast<size_t>(thread) * ownStep_;
      visit(own + bytes_.own, own + ownStep_);
    }
  }
  static void guard([[maybe_unused]] char* from, [[maybe_unused]] char* to) {
#ifdef __SANITIZE_ADDRESS__
    ASAN_POISON_MEMORY_REGION(from, static_cast<size_t>(to - from));
#endif
  }

  const ScratchBytes bytes_;
  const int threads_;
  const size_t ownAt_, ownStep_;
  void* data_ = nullptr;
};

}  // namespace fovea::bench

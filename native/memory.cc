#include "memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "sanitize.h"

namespace fovea {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kAlignment = 64;

}  // namespace

Block::Block(size_t bytes) : bytes_(bytes) {
  if (bytes < kHugePage || kSanitized) {
    void* memory = nullptr;
    const size_t rounded = kSanitized ? bytes : (bytes + kAlignment) / kAlignment * kAlignment;
    if (posix_memalign(&memory, kAlignment, rounded) != 0) return;
    data_ = static_cast<char*>(std::memset(memory, 0, rounded));
    return;
  }
  // A huge page has to start at a multiple of its size: map one more and start there.
  mappingBytes_ = bytes + kHugePage;
  void* mapping =
      mmap(nullptr, mappingBytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return;
  mapping_ = mapping;
  const uintptr_t start = reinterpret_cast<uintptr_t>(mapping);
  data_ = reinterpret_cast<char*>((start + kHugePage - 1) / kHugePage * kHugePage);
#ifdef MADV_HUGEPAGE
  madvise(data_, bytes, MADV_HUGEPAGE);  // a wish: without it everything works, only slower
#endif
}

Block::Block(Block&& other) noexcept { *this = std::move(other); }

Block& Block::operator=(Block&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapping_, other.mapping_);
  std::swap(mappingBytes_, other.mappingBytes_);
  return *this;
}

Block::~Block() {
  if (mapping_) {
    munmap(mapping_, mappingBytes_);
  } else {
    std::free(data_);
  }
}

}  // namespace fovea

// Blocks of memory that buffers, the arena and scratch live in.
#pragma once
#include <cstddef>

namespace fovea {

/** Zeroed, 64-byte aligned memory; a large block asks for huge pages. Empty when there was none. */
class Block {
 public:
  Block() = default;
  explicit Block(size_t bytes);
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  ~Block();

  /** Null if the memory could not be had. */
  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  size_t bytes_ = 0;
  void* mapping_ = nullptr;  // what to unmap; null if `data_` came from the heap
  size_t mappingBytes_ = 0;
};

}  // namespace fovea

// An encoded program, checked and kept: its buffers and its calls, whose structs kernels read in place.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "abi.h"
#include "memory.h"

namespace fovea {

struct Call {
  Kernel kernel;
  const void* args;
};

class Program {
 public:
  /** Copies the encoded bytes. Returns what is wrong with them, or nothing. */
  std::string load(const void* bytes, size_t size);
  /** Calls alone, for asking about them; buffer numbers are not looked at. */
  std::string loadCalls(const void* bytes, size_t size);

  const std::vector<BufferSpec>& buffers() const { return buffers_; }
  const std::vector<Call>& calls() const { return calls_; }
  size_t arenaBytes() const { return arenaBytes_; }
  /** How many input, state or output bindings there are. */
  size_t count(BufferKind kind) const;
  /** Where an encoded constant's bytes are. */
  char* constant(const BufferSpec& spec) const { return encoded_.data() + spec.offset; }

 private:
  std::string readCalls(const int64_t* words, size_t wordCount, int64_t callCount);

  Block encoded_;
  std::vector<BufferSpec> buffers_;
  std::vector<Call> calls_;
  size_t arenaBytes_ = 0;
};

}  // namespace fovea

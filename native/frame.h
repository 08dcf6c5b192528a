// What a kernel sees of a running program: where its buffers are, the threads, and scratch memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include "abi.h"
#include "parallel.h"

namespace fovea {

struct Frame {
  char* const* buffers;  // base address of each of the program's buffers
  Pool& pool;
  /** Scratch of this call: at least what the kernel's `scratch` function asked for; 64-byte aligned. */
  char* scratch;

  /** The first element of an operand; null if the operand is not given. */
  template <class T>  // inlined always: its one symbol must not hold one instruction set's code
  __attribute__((always_inline)) T* at(const Operand& operand) const {
    if (operand.buffer < 0) return nullptr;
    return reinterpret_cast<T*>(buffers[operand.buffer]) + operand.offset;
  }
};

/** null on success, else a sentence that says which value the kernel cannot take. */
using KernelFunction = const char* (*)(const void* args, const Frame& frame);
/** Bytes of scratch that a call needs with this many threads. */
using ScratchFunction = size_t (*)(const void* args, int threads);

}  // namespace fovea

// Whether a sanitizer watches (`npm run test:sanitize`). Memory is then as large as was asked for instead
// of rounded up, every job is shared among the threads, and pieces of scratch have fences between them, so
// that mistakes show which would hide.
#pragma once
#include <cstddef>

#if defined(__has_feature)  // Clang's way to tell; GCC defines the macros itself
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#elif __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace fovea {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

#ifdef __SANITIZE_ADDRESS__
constexpr size_t kFence = 64;
/** Makes the kFence bytes behind a piece of memory out of bounds, and the piece itself not. */
__attribute__((always_inline)) inline void fence(char* piece, size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
  ASAN_POISON_MEMORY_REGION(piece + bytes, kFence);
}
#else
constexpr size_t kFence = 0;
__attribute__((always_inline)) inline void fence(char*, size_t) {}
#endif

}  // namespace fovea

// Whether a sanitizer watches (`npm run test:sanitize`). Memory is then as large as was asked for instead
// of rounded up, and every job is shared among the threads, so that mistakes show which would hide.
#pragma once

#if defined(__has_feature)  // Clang's way to tell; GCC defines the macros itself
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#elif __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

namespace fovea {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace fovea

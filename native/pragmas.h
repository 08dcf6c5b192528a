// What compilers want to be told and spell in different ways.
#pragma once

/** Before a loop: its iterations do not depend on each other through memory. */
#if defined(__clang__)
#define FOVEA_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define FOVEA_INDEPENDENT _Pragma("GCC ivdep")
#endif

// The instruction sets that there are kernels for. build.ts says how they are compiled; which of them a machine
// has, the addon says.

/** Numbers of f32 in a vector of each (kLanes in native/simd.h), the longest first. */
export const lanes: Readonly<Record<string, number>> = { avx512: 16, avx2: 8, portable: 4 };

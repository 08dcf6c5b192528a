#include "operations.h"

#include "pragmas.h"
#include "vmath.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int32_t kMaxInt = 0x7fffffff, kMinInt = -kMaxInt - 1;

template <class V>
FOVEA_INLINE V get(const void* from, int i, int count) {
  const float* at = static_cast<const float*>(from) + i;
  return (V)(count == kLanes ? load(at) : loadPart(at, count));
}

template <class V>
FOVEA_INLINE void put(void* to, int i, int count, V value) {
  float* at = static_cast<float*>(to) + i;
  if (count == kLanes) store(at, (vec)value);
  else storePart(at, (vec)value, count);
}

/** body(i, lanes) for whole vectors, then once for what is left. */
template <class Body>
FOVEA_INLINE void forVectors(int count, Body&& body) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, kLanes);
  if (i < count) body(i, count - i);
}

// Each operation is a type with a static `apply` on vectors of type V; these make loops of them.

template <class V, class F>
void unary(void* out, const void* a, const void*, const void*, int count, int32_t) {
  forVectors(count, [&](int i, int lanes) { put(out, i, lanes, F::apply(get<V>(a, i, lanes))); });
}

template <class V, class F>
void binary(void* out, const void* a, const void* b, const void*, int count, int32_t) {
  forVectors(count, [&](int i, int lanes) {
    put(out, i, lanes, F::apply(get<V>(a, i, lanes), get<V>(b, i, lanes)));
  });
}

/** An f32 function that there is no vector form of. */
template <class F>
void scalar(void* out, const void* a, const void* b, const void*, int count, int32_t) {
  float* to = static_cast<float*>(out);
  const float *x = static_cast<const float*>(a), *y = static_cast<const float*>(b);
  FOVEA_INDEPENDENT
  for (int i = 0; i < count; ++i) to[i] = F::apply(x[i], F::arguments > 1 ? y[i] : 0);
}

struct Neg { template <class V> static FOVEA_INLINE V apply(V a) { return -a; } };
struct AbsF32 { static FOVEA_INLINE vec apply(vec a) { return vabs(a); } };
struct AbsI32 { static FOVEA_INLINE uvec apply(uvec a) { return (ivec)a < 0 ? -a : a; } };
struct Exp { static FOVEA_INLINE vec apply(vec a) { return vexp(a); } };
struct Log { static FOVEA_INLINE vec apply(vec a) { return vlog(a); } };
struct Tanh { static FOVEA_INLINE vec apply(vec a) { return vtanh(a); } };
struct Sigmoid { static FOVEA_INLINE vec apply(vec a) { return vsigmoid(a); } };
struct Erf { static FOVEA_INLINE vec apply(vec a) { return verf(a); } };
struct Relu { static FOVEA_INLINE vec apply(vec a) { return relu(a); } };
struct Add { template <class V> static FOVEA_INLINE V apply(V a, V b) { return a + b; } };
struct Sub { template <class V> static FOVEA_INLINE V apply(V a, V b) { return a - b; } };
struct Mul { template <class V> static FOVEA_INLINE V apply(V a, V b) { return a * b; } };
struct Div { static FOVEA_INLINE vec apply(vec a, vec b) { return a / b; } };
struct MaxF32 {
  static FOVEA_INLINE vec apply(vec a, vec b) { return ((a > b) | (a != a)) ? a : b; }
};
struct MinF32 {
  static FOVEA_INLINE vec apply(vec a, vec b) { return ((a < b) | (a != a)) ? a : b; }
};
struct MaxI32 { static FOVEA_INLINE ivec apply(ivec a, ivec b) { return a > b ? a : b; } };
struct MinI32 { static FOVEA_INLINE ivec apply(ivec a, ivec b) { return a < b ? a : b; } };
struct Eq { template <class V> static FOVEA_INLINE ivec apply(V a, V b) { return -(a == b); } };
struct Ne { template <class V> static FOVEA_INLINE ivec apply(V a, V b) { return -(a != b); } };
struct Lt { template <class V> static FOVEA_INLINE ivec apply(V a, V b) { return -(a < b); } };
struct Le { template <class V> static FOVEA_INLINE ivec apply(V a, V b) { return -(a <= b); } };
struct ToF32 {
  static FOVEA_INLINE vec apply(ivec a) { return __builtin_convertvector(a, vec); }
};
struct ToI32 {
  static FOVEA_INLINE ivec apply(vec a) {
    const ivec fits = (a >= -0x1p31f) & (a < 0x1p31f);
    const ivec whole = __builtin_convertvector(fits ? a : vec{}, ivec);
    const ivec most = a >= 0x1p31f ? broadcast(kMaxInt) : ivec{};
    return whole | most | (a < -0x1p31f ? broadcast(kMinInt) : ivec{});
  }
};

struct Sqrt {
  static constexpr int arguments = 1;
  static FOVEA_INLINE float apply(float a, float) { return __builtin_sqrtf(a); }
};
struct Floor {
  static constexpr int arguments = 1;
  static FOVEA_INLINE float apply(float a, float) { return __builtin_floorf(a); }
};
struct Sin {
  static constexpr int arguments = 1;
  static FOVEA_INLINE float apply(float a, float) { return __builtin_sinf(a); }
};
struct Cos {
  static constexpr int arguments = 1;
  static FOVEA_INLINE float apply(float a, float) { return __builtin_cosf(a); }
};
struct Pow {
  static constexpr int arguments = 2;
  static FOVEA_INLINE float apply(float a, float b) { return __builtin_powf(a, b); }
};

void select(void* out, const void* a, const void* b, const void* c, int count, int32_t) {
  forVectors(count, [&](int i, int lanes) {
    const ivec condition = get<ivec>(a, i, lanes) != 0;
    put(out, i, lanes, condition ? get<ivec>(b, i, lanes) : get<ivec>(c, i, lanes));
  });
}

/** (word >>> 8) · 2^-24, the word from counter (element, stream) and key (seed, step). */
void uniform(void* out, const void* element, const void* seed, const void* step, int count,
             int32_t stream) {
  const uvec second = (uvec)broadcast(stream);
  forVectors(count, [&](int i, int lanes) {
    const uvec word = threefry(get<uvec>(seed, i, lanes), get<uvec>(step, i, lanes),
                               get<uvec>(element, i, lanes), second);
    put(out, i, lanes, __builtin_convertvector((ivec)(word >> 8), vec) * 0x1p-24f);
  });
}

Operation f32Operation(int64_t op) {
  switch (op) {
    case kOpNeg: return unary<vec, Neg>;
    case kOpAbs: return unary<vec, AbsF32>;
    case kOpExp: return unary<vec, Exp>;
    case kOpLog: return unary<vec, Log>;
    case kOpSqrt: return scalar<Sqrt>;
    case kOpSin: return scalar<Sin>;
    case kOpCos: return scalar<Cos>;
    case kOpTanh: return unary<vec, Tanh>;
    case kOpSigmoid: return unary<vec, Sigmoid>;
    case kOpErf: return unary<vec, Erf>;
    case kOpFloor: return scalar<Floor>;
    case kOpRelu: return unary<vec, Relu>;
    case kOpAdd: return binary<vec, Add>;
    case kOpSub: return binary<vec, Sub>;
    case kOpMul: return binary<vec, Mul>;
    case kOpDiv: return binary<vec, Div>;
    case kOpMax: return binary<vec, MaxF32>;
    case kOpMin: return binary<vec, MinF32>;
    case kOpPow: return scalar<Pow>;
    case kOpEq: return binary<vec, Eq>;
    case kOpNe: return binary<vec, Ne>;
    case kOpLt: return binary<vec, Lt>;
    case kOpLe: return binary<vec, Le>;
    case kOpSelect: return select;
    case kOpToI32: return unary<vec, ToI32>;
    default: return nullptr;
  }
}

Operation i32Operation(int64_t op) {
  switch (op) {
    case kOpNeg: return unary<uvec, Neg>;
    case kOpAbs: return unary<uvec, AbsI32>;
    case kOpAdd: return binary<uvec, Add>;
    case kOpSub: return binary<uvec, Sub>;
    case kOpMul: return binary<uvec, Mul>;
    case kOpMax: return binary<ivec, MaxI32>;
    case kOpMin: return binary<ivec, MinI32>;
    case kOpEq: return binary<ivec, Eq>;
    case kOpNe: return binary<ivec, Ne>;
    case kOpLt: return binary<ivec, Lt>;
    case kOpLe: return binary<ivec, Le>;
    case kOpSelect: return select;
    case kOpToF32: return unary<ivec, ToF32>;
    case kOpUniform: return uniform;
    default: return nullptr;
  }
}

}  // namespace

Operation operationOf(int64_t op, int64_t dtype) {
  return dtype == kF32 ? f32Operation(op) : i32Operation(op);
}

int argumentCount(int64_t op) {
  if (op == kOpSelect || op == kOpUniform) return 3;
  return op >= kOpAdd && op <= kOpLe ? 2 : 1;
}

int costOf(int64_t op) {
  switch (op) {
    case kOpSin: case kOpCos: case kOpPow: return 300;
    case kOpExp: case kOpLog: case kOpTanh: case kOpSigmoid: case kOpErf: return 40;
    case kOpUniform: return 100;
    default: return 2;
  }
}

}  // namespace fovea::FOVEA_ISA

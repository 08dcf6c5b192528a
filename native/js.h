// Node-API with exceptions: each helper throws std::runtime_error, which `exported` turns into a
// JavaScript error. Also handles: JavaScript objects that share ownership of a C++ object.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace fovea {

[[noreturn]] inline void fail(const std::string& problem) { throw std::runtime_error(problem); }

inline void check(napi_status status) {
  if (status != napi_ok) fail("Node-API call failed with status " + std::to_string(status));
}

inline napi_value makeString(napi_env env, const std::string& text) {
  napi_value value;
  check(napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

inline napi_value makeError(napi_env env, const std::string& problem) {
  napi_value error;
  check(napi_create_error(env, nullptr, makeString(env, problem), &error));
  return error;
}

inline napi_value makeUndefined(napi_env env) {
  napi_value value;
  check(napi_get_undefined(env, &value));
  return value;
}

inline napi_value makeNumber(napi_env env, double number) {
  napi_value value;
  check(napi_create_double(env, number, &value));
  return value;
}

inline double getNumber(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) fail("expected a number");
  return number;
}

inline std::string getString(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    fail("expected a string");
  }
  std::string text(length + 1, '\0');
  check(napi_get_value_string_utf8(env, value, &text[0], text.size(), &length));
  text.resize(length);
  return text;
}

struct Bytes {
  char* data;
  size_t size;
};

inline bool isTypedArray(napi_env env, napi_value value) {
  bool is = false;
  check(napi_is_typedarray(env, value, &is));
  return is;
}

/** The bytes of a Float32Array, Int32Array or Uint8Array. */
inline Bytes getTypedArray(napi_env env, napi_value value) {
  if (!isTypedArray(env, value)) fail("expected a typed array");
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr));
  if (type == napi_float32_array || type == napi_int32_array) length *= 4;
  else if (type != napi_uint8_array) fail("expected a Float32Array, Int32Array or Uint8Array");
  return {static_cast<char*>(data), length};
}

inline Bytes getArrayBuffer(napi_env env, napi_value value) {
  void* data;
  size_t size;
  if (napi_get_arraybuffer_info(env, value, &data, &size) != napi_ok) {
    fail("expected an ArrayBuffer");
  }
  return {static_cast<char*>(data), size};
}

/** A JavaScript object that shares ownership of `value` until it is collected or released. */
template <class T>
napi_value makeHandle(napi_env env, std::shared_ptr<T> value) {
  napi_value object;
  check(napi_create_object(env, &object));
  auto holder = std::make_unique<std::shared_ptr<T>>(std::move(value));
  const auto drop = [](napi_env, void* data, void*) {
    delete static_cast<std::shared_ptr<T>*>(data);
  };
  check(napi_type_tag_object(env, object, &T::kTag));
  check(napi_wrap(env, object, holder.get(), drop, nullptr, nullptr));
  holder.release();
  return object;
}

/** What a handle holds; null once it was released. */
template <class T>
std::shared_ptr<T>& getHolder(napi_env env, napi_value handle) {
  bool is = false;
  void* holder = nullptr;
  if (napi_check_object_type_tag(env, handle, &T::kTag, &is) != napi_ok || !is ||
      napi_unwrap(env, handle, &holder) != napi_ok) {
    fail(std::string("expected ") + T::kWhat);
  }
  return *static_cast<std::shared_ptr<T>*>(holder);
}

template <class T>
const std::shared_ptr<T>& getHandle(napi_env env, napi_value handle) {
  const std::shared_ptr<T>& holder = getHolder<T>(env, handle);
  if (!holder) fail(std::string(T::kWhat) + " was disposed");
  return holder;
}

/** A function with `count` arguments as Node-API wants it. */
template <int count, napi_value (*function)(napi_env, napi_value*)>
napi_value exported(napi_env env, napi_callback_info info) {
  size_t given = count;
  napi_value args[count + 1];
  try {
    check(napi_get_cb_info(env, info, &given, args, nullptr, nullptr));
    if (given < count) fail("missing arguments");
    return function(env, args);
  } catch (const std::exception& error) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

}  // namespace fovea

// What JavaScript can call: see src/backends/native/binding.ts, which is the only one to do so.
#include <algorithm>
#include <cmath>

#include "jobs.h"

namespace fovea {

namespace {

/** (isa, threads) → backend */
napi_value open(napi_env env, napi_value* args) {
  const std::string isa = getString(env, args[0]);
  const int threads = static_cast<int>(getNumber(env, args[1]));
  for (const KernelTable* table : usableTables()) {
    if (isa == table->name) {
      return makeHandle(env, std::make_shared<Instance>(env, *table, threads));
    }
  }
  fail("no kernels for " + isa + " on this machine");
}

/** (backend) → promise */
napi_value close(napi_env env, napi_value* args) {
  const std::shared_ptr<Instance>& instance = getHandle<Instance>(env, args[0]);
  instance->requireOpen();
  instance->beginClose();
  return instance->submit(std::make_unique<CloseJob>(instance));
}

/** (backend, encoded calls) → bytes */
napi_value scratchBytes(napi_env env, napi_value* args) {
  const std::shared_ptr<Instance>& instance = getHandle<Instance>(env, args[0]);
  instance->requireOpen();
  const Bytes bytes = getArrayBuffer(env, args[1]);
  Program program;
  const std::string problem = program.loadCalls(bytes.data, bytes.size);
  if (!problem.empty()) fail("scratchBytes: " + problem);
  const Coordinator& coordinator = instance->coordinator();
  return makeNumber(env, static_cast<double>(coordinator.scratchOf(program).total(coordinator.threads())));
}

/** (backend) → promise of { flops, bytesPerSecond } */
napi_value measurePeaks(napi_env env, napi_value* args) {
  const std::shared_ptr<Instance>& instance = getHandle<Instance>(env, args[0]);
  instance->requireOpen();
  return instance->submit(std::make_unique<PeaksJob>(instance));
}

/** (backend, bytes) → buffer */
napi_value allocate(napi_env env, napi_value* args) {
  const std::shared_ptr<Instance>& instance = getHandle<Instance>(env, args[0]);
  instance->requireOpen();
  const double bytes = getNumber(env, args[1]);
  if (!(bytes >= 0 && bytes <= 0x1p47 && bytes == std::floor(bytes))) fail("allocate: not a size");
  Block block(static_cast<size_t>(bytes));
  if (!block.data()) fail("allocate: no memory for " + std::to_string(block.bytes()) + " bytes");
  return makeHandle(env, std::make_shared<Buffer>(instance, std::move(block)));
}

/** (backend) → bytes */
napi_value heldBytes(napi_env env, napi_value* args) {
  return makeNumber(env, static_cast<double>(getHandle<Instance>(env, args[0])->heldBytes()));
}

/** (buffer): the memory goes once no job uses it. */
napi_value releaseBuffer(napi_env env, napi_value* args) {
  getHolder<Buffer>(env, args[0]).reset();
  return nullptr;
}

/** (backend, encoded program) → executable */
napi_value load(napi_env env, napi_value* args) {
  const std::shared_ptr<Instance>& instance = getHandle<Instance>(env, args[0]);
  instance->requireOpen();
  const Bytes bytes = getArrayBuffer(env, args[1]);
  Program program;
  const std::string problem = program.load(bytes.data, bytes.size);
  if (!problem.empty()) fail("load: " + problem);
  return makeHandle(env, std::make_shared<Executable>(instance, std::move(program)));
}

/** (executable) */
napi_value unload(napi_env env, napi_value* args) {
  getHolder<Executable>(env, args[0]).reset();
  return nullptr;
}

/** (executable, inputs, states, profile) → promise of { outputs, seconds? } */
napi_value run(napi_env env, napi_value* args) {
  const std::shared_ptr<Executable>& executable = getHandle<Executable>(env, args[0]);
  const std::shared_ptr<Instance> instance = executable->instance();
  instance->requireOpen();
  bool profile;
  check(napi_get_value_bool(env, args[3], &profile));
  return instance->submit(std::make_unique<RunJob>(env, executable, args[1], args[2], profile));
}

napi_value settled(napi_env env, napi_value value) {
  napi_deferred deferred;
  napi_value promise;
  check(napi_create_promise(env, &deferred, &promise));
  check(napi_resolve_deferred(env, deferred, value));
  return promise;
}

/** (buffer, typed array) → promise */
napi_value write(napi_env env, napi_value* args) {
  const std::shared_ptr<Buffer>& buffer = getHandle<Buffer>(env, args[0]);
  buffer->instance()->requireOpen();
  const Bytes source = getTypedArray(env, args[1]);
  if (source.size != buffer->bytes()) {
    fail("write: " + std::to_string(source.size) + " bytes into a buffer of " +
         std::to_string(buffer->bytes()));
  }
  if (buffer->instance()->isIdle()) {  // no one else can be at it: spare the second copy
    copyBytes(buffer->data(), source.data, source.size);
    return settled(env, makeUndefined(env));
  }
  return buffer->instance()->submit(std::make_unique<WriteJob>(buffer, source));
}

/** (buffer) → promise of an ArrayBuffer */
napi_value read(napi_env env, napi_value* args) {
  constexpr size_t kSmall = 1 << 16;
  const std::shared_ptr<Buffer>& buffer = getHandle<Buffer>(env, args[0]);
  buffer->instance()->requireOpen();
  void* data;
  napi_value result;
  check(napi_create_arraybuffer(env, buffer->bytes(), &data, &result));
  if (buffer->instance()->isIdle() && buffer->bytes() <= kSmall) {
    copyBytes(data, buffer->data(), buffer->bytes());
    return settled(env, result);
  }
  return buffer->instance()->submit(std::make_unique<ReadJob>(env, buffer, result));
}

}  // namespace

NAPI_MODULE_INIT() {
  const napi_property_attributes attributes = napi_enumerable;
  const napi_property_descriptor functions[] = {
      {"open", 0, exported<2, open>, 0, 0, 0, attributes, 0},
      {"close", 0, exported<1, close>, 0, 0, 0, attributes, 0},
      {"scratchBytes", 0, exported<2, scratchBytes>, 0, 0, 0, attributes, 0},
      {"measurePeaks", 0, exported<1, measurePeaks>, 0, 0, 0, attributes, 0},
      {"allocate", 0, exported<2, allocate>, 0, 0, 0, attributes, 0},
      {"heldBytes", 0, exported<1, heldBytes>, 0, 0, 0, attributes, 0},
      {"releaseBuffer", 0, exported<1, releaseBuffer>, 0, 0, 0, attributes, 0},
      {"load", 0, exported<2, load>, 0, 0, 0, attributes, 0},
      {"unload", 0, exported<1, unload>, 0, 0, 0, attributes, 0},
      {"run", 0, exported<4, run>, 0, 0, 0, attributes, 0},
      {"write", 0, exported<2, write>, 0, 0, 0, attributes, 0},
      {"read", 0, exported<1, read>, 0, 0, 0, attributes, 0},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  napi_set_named_property(env, exports, "fingerprint", makeString(env, FOVEA_ABI_FINGERPRINT));
  napi_value isas;
  napi_create_array(env, &isas);
  uint32_t count = 0;
  for (const KernelTable* table : usableTables()) {
    napi_set_element(env, isas, count++, makeString(env, table->name));
  }
  napi_set_named_property(env, exports, "isas", isas);
  return exports;
}

}  // namespace fovea

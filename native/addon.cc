// What JavaScript can call: see src/backends/native/binding.ts, which is the only one to do so.
#include <cmath>
#include <cstring>

#include "instance.h"

namespace fovea {

namespace {

/** memcpy, but for no bytes: their address may be null. */
void copyBytes(void* to, const void* from, size_t size) {
  if (size > 0) std::memcpy(to, from, size);
}

/** Copies between memory of ours and of theirs. */
class CopyJob : public JsJob {
 public:
  CopyJob(std::shared_ptr<Buffer> buffer) : JsJob(buffer->instance()), buffer_(std::move(buffer)) {}

 protected:
  const std::shared_ptr<Buffer> buffer_;
};

class WriteJob : public CopyJob {
 public:
  WriteJob(std::shared_ptr<Buffer> buffer, const Bytes& source)
      : CopyJob(std::move(buffer)), staged_(source.size) {
    if (!staged_.data()) fail("write: no memory for a copy of " + std::to_string(source.size) + " bytes");
    copyBytes(staged_.data(), source.data, source.size);
  }
  void work(Coordinator&) override { copyBytes(buffer_->data(), staged_.data(), staged_.bytes()); }

 private:
  const Block staged_;
};

class ReadJob : public CopyJob {
 public:
  /** `result` is an ArrayBuffer that nobody else has seen yet. */
  ReadJob(napi_env env, std::shared_ptr<Buffer> buffer, napi_value result)
      : CopyJob(std::move(buffer)), target_(getArrayBuffer(env, result)) {
    check(napi_create_reference(env, result, 1, &result_));
  }
  void work(Coordinator&) override { copyBytes(target_.data, buffer_->data(), target_.size); }
  napi_value finish(napi_env env) override {
    napi_value result;
    check(napi_get_reference_value(env, result_, &result));
    check(napi_delete_reference(env, result_));
    return result;
  }

 private:
  const Bytes target_;
  napi_ref result_;
};

class CloseJob : public JsJob {
 public:
  using JsJob::JsJob;
  void work(Coordinator&) override {}
  napi_value finish(napi_env env) override {
    instance->shutDown();
    return makeUndefined(env);
  }
};

class RunJob : public JsJob {
 public:
  RunJob(napi_env env, std::shared_ptr<Executable> executable, napi_value inputs,
         napi_value states, bool profile)
      : JsJob(executable->instance()), executable_(std::move(executable)), profile_(profile) {
    const Program& program = executable_->program();
    bind(env, inputs, kBufferInput, inputs_);
    bind(env, states, kBufferState, states_);
    outputs_.resize(program.count(kBufferOutput));
  }

  void work(Coordinator& coordinator) override {
    const Program& program = executable_->program();
    std::vector<char*> bases(program.buffers().size(), nullptr);
    for (size_t i = 0; i < bases.size(); i++) {
      const BufferSpec& spec = program.buffers()[i];
      if (spec.kind == kBufferInput) bases[i] = inputs_[spec.index];
      if (spec.kind == kBufferState) bases[i] = states_[spec.index];
      if (spec.kind == kBufferConstant) bases[i] = program.constant(spec);
      if (spec.kind == kBufferOutput) {
        Block& output = outputs_[spec.index];
        output = Block(spec.bytes);
        bases[i] = output.data();
        if (!bases[i]) {
          error = "run: no memory for an output of " + std::to_string(spec.bytes) + " bytes";
          return;
        }
      }
    }
    error = coordinator.run(program, bases, executable_->scratchBytes(),
                            profile_ ? &seconds_ : nullptr);
  }

  napi_value finish(napi_env env) override {
    executable_->giveStaging(std::move(staging_));
    napi_value result, outputs;
    check(napi_create_object(env, &result));
    check(napi_create_array_with_length(env, outputs_.size(), &outputs));
    for (size_t i = 0; i < outputs_.size(); i++) {
      auto buffer = std::make_shared<Buffer>(instance, std::move(outputs_[i]));
      check(napi_set_element(env, outputs, i, makeHandle(env, std::move(buffer))));
    }
    check(napi_set_named_property(env, result, "outputs", outputs));
    if (profile_) check(napi_set_named_property(env, result, "seconds", makeSeconds(env)));
    return result;
  }

 private:
  /** Finds the memory of each binding; host memory is copied. */
  void bind(napi_env env, napi_value list, BufferKind kind, std::vector<char*>& bound) {
    const Program& program = executable_->program();
    const std::string what = kind == kBufferInput ? "input" : "state";
    uint32_t given;
    check(napi_get_array_length(env, list, &given));
    bound.resize(program.count(kind));
    if (given != bound.size()) {
      fail("run: expected " + std::to_string(bound.size()) + " " + what + "s, got " +
           std::to_string(given));
    }
    size_t staged = 0;
    for (const BufferSpec& spec : program.buffers()) {
      if (spec.kind != kind) continue;
      napi_value value;
      check(napi_get_element(env, list, spec.index, &value));
      Bytes bytes;
      const bool isHost = kind == kBufferInput && isTypedArray(env, value);
      if (isHost) {
        bytes = getTypedArray(env, value);
      } else {
        const std::shared_ptr<Buffer>& buffer = getHandle<Buffer>(env, value);
        if (buffer->instance() != instance) fail("run: a " + what + " is of another backend");
        bytes = {buffer->data(), buffer->bytes()};
        held_.push_back(buffer);
      }
      if (bytes.size != static_cast<size_t>(spec.bytes)) {
        fail("run: " + what + " " + std::to_string(spec.index) + " has " +
             std::to_string(bytes.size) + " bytes, the program expects " +
             std::to_string(spec.bytes));
      }
      if (isHost) {
        if (!staging_.data()) staging_ = executable_->takeStaging();
        if (!staging_.data()) fail("run: no memory for a copy of the inputs");
        char* copy = staging_.data() + staged;
        copyBytes(copy, bytes.data, bytes.size);
        bytes.data = copy;
        staged += (bytes.size + 63) / 64 * 64;
      }
      bound[spec.index] = bytes.data;
    }
  }

  napi_value makeSeconds(napi_env env) const {
    const size_t bytes = seconds_.size() * sizeof(double);
    void* data;
    napi_value memory, array;
    check(napi_create_arraybuffer(env, bytes, &data, &memory));
    copyBytes(data, seconds_.data(), bytes);
    check(napi_create_typedarray(env, napi_float64_array, seconds_.size(), memory, 0, &array));
    return array;
  }

  const std::shared_ptr<Executable> executable_;
  const bool profile_;
  Block staging_;
  std::vector<std::shared_ptr<Buffer>> held_;  // alive while this job is, whatever JavaScript does
  std::vector<char*> inputs_, states_;
  std::vector<Block> outputs_;
  std::vector<double> seconds_;
};

// ---------------------------------------------------------------- exported functions

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
  size_t most = 0;
  for (const Call& call : program.calls()) {
    most = std::max(most, instance->coordinator().scratchBytes(call));
  }
  return makeNumber(env, static_cast<double>(most));
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
      {"allocate", 0, exported<2, allocate>, 0, 0, 0, attributes, 0},
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

#include "jobs.h"

namespace fovea {

RunJob::RunJob(napi_env env, std::shared_ptr<Executable> executable, napi_value inputs,
               napi_value states, bool profile)
    : JsJob(executable->instance()), executable_(std::move(executable)), profile_(profile) {
  const Program& program = executable_->program();
  bind(env, inputs, kBufferInput, inputs_);
  bind(env, states, kBufferState, states_);
  outputs_.resize(program.count(kBufferOutput));
}

void RunJob::work(Coordinator& coordinator) {
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
  error = coordinator.run(program, bases, executable_->scratch(),
                          profile_ ? &seconds_ : nullptr);
}

napi_value RunJob::finish(napi_env env) {
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

void RunJob::bind(napi_env env, napi_value list, BufferKind kind, std::vector<char*>& bound) {
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

napi_value RunJob::makeSeconds(napi_env env) const {
  const size_t bytes = seconds_.size() * sizeof(double);
  void* data;
  napi_value memory, array;
  check(napi_create_arraybuffer(env, bytes, &data, &memory));
  copyBytes(data, seconds_.data(), bytes);
  check(napi_create_typedarray(env, napi_float64_array, seconds_.size(), memory, 0, &array));
  return array;
}

}  // namespace fovea

// The jobs that JavaScript can ask for: to read, write, run, measure and close.
#pragma once
#include <cstring>

#include "instance.h"

namespace fovea {

/** memcpy, but for no bytes: their address may be null. */
inline void copyBytes(void* to, const void* from, size_t size) {
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
    if (!staged_.data()) {
      fail("write: no memory for a copy of " + std::to_string(source.size) + " bytes");
    }
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

class PeaksJob : public JsJob {
 public:
  using JsJob::JsJob;
  void work(Coordinator& coordinator) override { error = coordinator.measurePeaks(peaks_); }
  /** { flops, bytesPerSecond } */
  napi_value finish(napi_env env) override {
    napi_value result;
    check(napi_create_object(env, &result));
    check(napi_set_named_property(env, result, "flops", makeNumber(env, peaks_.flops)));
    check(napi_set_named_property(env, result, "bytesPerSecond", makeNumber(env, peaks_.bytesPerSecond)));
    return result;
  }

 private:
  Peaks peaks_;
};

class RunJob : public JsJob {
 public:
  RunJob(napi_env env, std::shared_ptr<Executable> executable, napi_value inputs,
         napi_value states, bool profile);
  void work(Coordinator& coordinator) override;
  /** { outputs, seconds? } */
  napi_value finish(napi_env env) override;

 private:
  /** Finds the memory of each binding; host memory is copied. */
  void bind(napi_env env, napi_value list, BufferKind kind, std::vector<char*>& bound);
  napi_value makeSeconds(napi_env env) const;

  const std::shared_ptr<Executable> executable_;
  const bool profile_;
  Block staging_;
  std::vector<std::shared_ptr<Buffer>> held_;  // alive while this job is, whatever JavaScript does
  std::vector<char*> inputs_, states_;
  std::vector<Block> outputs_;
  std::vector<double> seconds_;
};

}  // namespace fovea

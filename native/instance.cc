#include "instance.h"

#include <algorithm>

namespace fovea {

namespace {

void onEnvironmentExit(void* instance) {
  // Jobs that never ran may hold the last references: hold one until the end.
  const auto held = static_cast<Instance*>(instance)->shared_from_this();
  held->shutDown();
}

class TrimJob : public JsJob {
 public:
  TrimJob(std::shared_ptr<Instance> instance, size_t arenaBytes, size_t scratchBytes)
      : JsJob(std::move(instance)), arenaBytes_(arenaBytes), scratchBytes_(scratchBytes) {}
  void work(Coordinator& coordinator) override { coordinator.trim(arenaBytes_, scratchBytes_); }

 private:
  const size_t arenaBytes_, scratchBytes_;
};

}  // namespace

// ---------------------------------------------------------------- buffers and executables

Buffer::Buffer(std::shared_ptr<Instance> instance, Block block)
    : instance_(std::move(instance)), block_(std::move(block)) {
  instance_->add(this);
}

Buffer::~Buffer() {
  if (block_.data()) drop();
}

void Buffer::drop() {
  instance_->remove(this);
  block_ = Block();
}

Executable::Executable(std::shared_ptr<Instance> instance, Program program)
    : instance_(std::move(instance)),
      program_(std::move(program)),
      scratch_(instance_->coordinator().scratchOf(program_)) {
  for (const BufferSpec& spec : program_.buffers()) {
    if (spec.kind == kBufferInput) stagingBytes_ += (spec.bytes + 63) / 64 * 64;
  }
  instance_->add(this);
}

Executable::~Executable() { instance_->remove(this); }

size_t Executable::scratchBytes() const {
  return scratch_.total(instance_->coordinator().threads());
}

Block Executable::takeStaging() {
  if (staging_.empty()) return Block(stagingBytes_);
  Block block = std::move(staging_.back());
  staging_.pop_back();
  return block;
}

void Executable::giveStaging(Block block) {
  // Two: one run at work while the next one's inputs are copied.
  if (block.data() && staging_.size() < 2) staging_.push_back(std::move(block));
}

// ---------------------------------------------------------------- the instance

Instance::Instance(napi_env env, const KernelTable& table, int threads) : env_(env) {
  check(napi_create_threadsafe_function(env, nullptr, nullptr, makeString(env, "fovea"), 0, 1,
                                        nullptr, nullptr, this, finishJob, &finished_));
  check(napi_unref_threadsafe_function(env, finished_));
  const auto done = [](void* context, Job* job) {
    napi_call_threadsafe_function(static_cast<napi_threadsafe_function>(context), job,
                                  napi_tsfn_nonblocking);
  };
  coordinator_ = std::make_unique<Coordinator>(table, threads, done, finished_);
  // After the function, so that it runs before the function's own end; and when nothing can fail any more.
  check(napi_add_env_cleanup_hook(env, onEnvironmentExit, this));
}

void Instance::requireOpen() const {
  if (closing_) fail("the backend was closed");
}

napi_value Instance::submit(std::unique_ptr<JsJob> job) {
  napi_value promise;
  check(napi_create_promise(env_, &job->deferred, &promise));
  push(std::move(job));
  return promise;
}

void Instance::push(std::unique_ptr<JsJob> job) {
  // The process stays alive while jobs are pending, and only then.
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, finished_);
  coordinator_->push(std::move(job));
}

void Instance::finishJob(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<JsJob> job(static_cast<JsJob*>(static_cast<Job*>(data)));
  if (!env) return;  // the environment is going: there is nobody to tell
  Instance& instance = *job->instance;
  if (--instance.pending_ == 0) napi_unref_threadsafe_function(env, instance.finished_);
  napi_value result = nullptr;
  if (job->error.empty()) {
    try {
      result = job->finish(env);
    } catch (const std::exception& error) {
      job->error = error.what();
    }
  }
  if (!job->deferred) return;
  if (job->error.empty()) napi_resolve_deferred(env, job->deferred, result);
  else napi_reject_deferred(env, job->deferred, makeError(env, job->error));
}

void Instance::shutDown() {
  if (!coordinator_) return;
  closing_ = true;
  coordinator_->stop();
  const std::unordered_set<Buffer*> buffers = buffers_;
  for (Buffer* buffer : buffers) buffer->drop();
  coordinator_.reset();
  napi_remove_env_cleanup_hook(env_, onEnvironmentExit, this);
  napi_release_threadsafe_function(finished_, napi_tsfn_abort);
}

void Instance::add(Buffer* buffer) {
  buffers_.insert(buffer);
  adjustExternalMemory(static_cast<int64_t>(buffer->bytes()));
}

void Instance::remove(Buffer* buffer) {
  buffers_.erase(buffer);
  adjustExternalMemory(-static_cast<int64_t>(buffer->bytes()));
}

size_t Instance::heldBytes() const {
  size_t bytes = 0;
  for (const Buffer* buffer : buffers_) bytes += buffer->bytes();
  return bytes;
}

void Instance::remove(Executable* executable) {
  executables_.erase(executable);
  if (!coordinator_ || closing_) return;  // closing gives back everything anyway
  size_t arena = 0, scratch = 0;
  for (const Executable* other : executables_) {
    arena = std::max(arena, other->program().arenaBytes());
    scratch = std::max(scratch, other->scratchBytes());
  }
  if (executable->program().arenaBytes() > arena || executable->scratchBytes() > scratch) {
    push(std::make_unique<TrimJob>(shared_from_this(), arena, scratch));
  }
}

/** Tells the garbage collector what the handles that it sees really hold. */
void Instance::adjustExternalMemory(int64_t bytes) const {
  int64_t total;
  napi_adjust_external_memory(env_, bytes, &total);
}

}  // namespace fovea

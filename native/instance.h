// An open backend as JavaScript holds it: its coordinator, what it owns, and the way back for
// finished jobs. Everything here happens on the JavaScript thread, but for each job's `work`.
#pragma once
#include <memory>
#include <unordered_set>
#include <vector>

#include "coordinator.h"
#include "js.h"

namespace fovea {

class Instance;

/** A DeviceBuffer. */
class Buffer {
 public:
  static constexpr napi_type_tag kTag = {0x6d0f2c1a5be94378, 0x9a41f37d60c82be5};
  static constexpr const char* kWhat = "buffer";

  Buffer(std::shared_ptr<Instance> instance, Block block);
  ~Buffer();
  /** Frees the memory; the buffer is of no more use. */
  void drop();

  char* data() const { return block_.data(); }
  size_t bytes() const { return block_.bytes(); }
  const std::shared_ptr<Instance>& instance() const { return instance_; }

 private:
  std::shared_ptr<Instance> instance_;
  Block block_;
};

/** A loaded program. */
class Executable {
 public:
  static constexpr napi_type_tag kTag = {0x2e8b7740d1c94f0d, 0xb7a0135ce4296f81};
  static constexpr const char* kWhat = "executable";

  Executable(std::shared_ptr<Instance> instance, Program program);
  ~Executable();

  /** Memory to copy a run's host inputs into, and back again for another run to use. */
  Block takeStaging();
  void giveStaging(Block block);

  const std::shared_ptr<Instance>& instance() const { return instance_; }
  const Program& program() const { return program_; }
  /** For any of its calls. */
  const ScratchBytes& scratch() const { return scratch_; }
  size_t scratchBytes() const;

 private:
  std::shared_ptr<Instance> instance_;
  Program program_;
  ScratchBytes scratch_;
  size_t stagingBytes_ = 0;
  std::vector<Block> staging_;
};

/** A job that ends in a promise. */
class JsJob : public Job {
 public:
  explicit JsJob(std::shared_ptr<Instance> owner) : instance(std::move(owner)) {}
  /** What the promise resolves to; called when `error` is empty. */
  virtual napi_value finish(napi_env env) { return makeUndefined(env); }

  const std::shared_ptr<Instance> instance;
  napi_deferred deferred = nullptr;  // stays null for a job that nobody waits for
};

class Instance : public std::enable_shared_from_this<Instance> {
 public:
  static constexpr napi_type_tag kTag = {0x51c3e7a90f2d4b66, 0x8d7e24b0a35f19c2};
  static constexpr const char* kWhat = "backend";

  Instance(napi_env env, const KernelTable& table, int threads);
  ~Instance() { shutDown(); }

  /** Throws unless the backend takes new work. */
  void requireOpen() const;
  /** Queues a job and returns its promise. */
  napi_value submit(std::unique_ptr<JsJob> job);
  /** Queues a job that nobody waits for. */
  void push(std::unique_ptr<JsJob> job);
  /** Whether all that was asked for has been done and reported. */
  bool isIdle() const { return pending_ == 0; }
  /** From now on nothing new is taken. */
  void beginClose() { closing_ = true; }
  /** Joins the threads and frees all memory. */
  void shutDown();

  Coordinator& coordinator() const { return *coordinator_; }
  /** Of all buffers; the arena and scratch memory come on top. */
  size_t heldBytes() const;
  void add(Buffer* buffer);
  void remove(Buffer* buffer);
  void add(Executable* executable) { executables_.insert(executable); }
  /** Gives back what arena and scratch the others do not need. */
  void remove(Executable* executable);

 private:
  static void finishJob(napi_env env, napi_value, void* context, void* data);
  void adjustExternalMemory(int64_t bytes) const;

  napi_env env_;
  std::unique_ptr<Coordinator> coordinator_;  // null once shut down
  napi_threadsafe_function finished_ = nullptr;
  int pending_ = 0;
  bool closing_ = false;
  std::unordered_set<Buffer*> buffers_;
  std::unordered_set<Executable*> executables_;
};

}  // namespace fovea

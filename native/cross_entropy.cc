// The cross-entropy loss of rows of logits, and its gradient.
#include <math.h>
#include <stdio.h>

#include "pragmas.h"
#include "streaming.h"
#include "vmath.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int kRowsOfTask = 16;
constexpr size_t kMessageBytes = 256;

int64_t paddedClasses(int64_t classes) { return (classes + kLanes - 1) / kLanes * kLanes; }

size_t rowBytes(int64_t classes) {
  return static_cast<size_t>((paddedClasses(classes) * 4 + 63) / 64 * 64);
}

/** A message and, for each thread, a row. */
ScratchBytes scratchBytes(int64_t classes) { return {kMessageBytes, rowBytes(classes)}; }

/** Copies a row to `row`, filled up to whole vectors with −∞, whose exponential is 0. */
void copyRow(float* row, const float* from, int64_t stride, int64_t classes) {
  int64_t c = 0;
  if (stride == 1) {  // whole vectors: what is stored as one can be loaded as one at once
    for (; c + kLanes <= classes; c += kLanes) store(row + c, load(from + c));
    ivec lane;
    for (int k = 0; k < kLanes; ++k) lane[k] = k;
    const int left = static_cast<int>(classes - c);
    const vec part = loadPart(from + c, left);
    if (left > 0) store(row + c, lane < left ? part : broadcast(-__builtin_inff()));
    return;
  }
  for (; c < classes; ++c) row[c] = from[c * stride];
  for (; c < paddedClasses(classes); ++c) row[c] = -__builtin_inff();
}

float largest(const float* row, int64_t classes) {
  vec most = load(row);
  for (int64_t c = kLanes; c < paddedClasses(classes); c += kLanes) {
    const vec next = load(row + c);
    most = next > most ? next : most;
  }
  float result = -__builtin_inff();
  for (int lane = 0; lane < kLanes; ++lane) result = most[lane] > result ? most[lane] : result;
  return result;
}

/** Replaces a row by e^(row − most) and returns the sum. NaN anywhere makes the sum NaN. */
double exponentials(float* row, float most, int64_t classes) {
  double sum = 0;
  for (int64_t c = 0; c < paddedClasses(classes); c += kLanes) {
    const vec power = vexp(load(row + c) - most);
    store(row + c, power);
    sum += sumLanes(power);
  }
  return sum;
}

/** Null if every target is a class; else says which is not. */
const char* checkTargets(const int32_t* targets, int64_t stride, int64_t rows, int64_t classes,
                         char* message) {
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t target = targets[r * stride];
    if (target >= 0 && target < classes) continue;
    snprintf(message, kMessageBytes, "target %d at row %lld is outside [0, %lld)",
             static_cast<int>(target), static_cast<long long>(r), static_cast<long long>(classes));
    return message;
  }
  return nullptr;
}

/** body(row number, row buffer of the thread) for every row. */
template <class Body>
void forRows(int64_t rows, int64_t classes, const Frame& frame, const Body& body) {
  const auto task = [&](int number, int thread) {
    auto* row = reinterpret_cast<float*>(frame.own(thread));
    const int64_t first = static_cast<int64_t>(number) * kRowsOfTask;
    for (int64_t r = first; r < rows && r < first + kRowsOfTask; ++r) body(r, row);
  };
  const int tasks = static_cast<int>((rows + kRowsOfTask - 1) / kRowsOfTask);
  frame.pool.run(tasks, task, static_cast<double>(rows) * static_cast<double>(classes + 16) * 40);
}

}  // namespace

const char* crossEntropy(const CrossEntropyArgs& args, const Frame& frame) {
  const float* logits = frame.at<const float>(args.logits);
  const int32_t* targets = frame.at<const int32_t>(args.target);
  float* losses = frame.at<float>(args.loss);
  const int64_t rowStride = args.logits.strides[0], stride = args.logits.strides[1];
  const int64_t targetStride = args.target.strides[0];
  const char* problem = checkTargets(targets, targetStride, args.rows, args.classes, frame.scratch);
  if (problem) return problem;
  forRows(args.rows, args.classes, frame, [&](int64_t r, float* row) {
    const float* from = logits + r * rowStride;
    copyRow(row, from, stride, args.classes);
    const float most = largest(row, args.classes);
    const double sum = exponentials(row, most, args.classes);
    const double chosen = from[targets[r * targetStride] * stride];
    losses[r * args.loss.strides[0]] = static_cast<float>(log(sum) + (most - chosen));
  });
  return nullptr;
}

const char* crossEntropyGrad(const CrossEntropyGradArgs& args, const Frame& frame) {
  const float* logits = frame.at<const float>(args.logits);
  const int32_t* targets = frame.at<const int32_t>(args.target);
  const float* g = frame.at<const float>(args.g);
  float* glogits = frame.at<float>(args.glogits);
  const int64_t rowStride = args.logits.strides[0], stride = args.logits.strides[1];
  const int64_t targetStride = args.target.strides[0];
  const char* problem = checkTargets(targets, targetStride, args.rows, args.classes, frame.scratch);
  if (problem) return problem;
  forRows(args.rows, args.classes, frame, [&](int64_t r, float* row) {
    copyRow(row, logits + r * rowStride, stride, args.classes);
    const double sum = exponentials(row, largest(row, args.classes), args.classes);
    const float scale = static_cast<float>(1 / sum);
    const float gradient = g[r * args.g.strides[0]];
    float* to = glogits + r * args.glogits.strides[0];
    const int64_t toStride = args.glogits.strides[1], target = targets[r * targetStride];
    const float chosen = row[target] * scale - 1.0f;
    if (toStride == 1) {
      FOVEA_INDEPENDENT
      for (int64_t c = 0; c < args.classes; ++c) to[c] = gradient * (row[c] * scale);
    } else {
      for (int64_t c = 0; c < args.classes; ++c) to[c * toStride] = gradient * (row[c] * scale);
    }
    to[target * toStride] = gradient * chosen;
  });
  return nullptr;
}

ScratchBytes crossEntropyScratch(const CrossEntropyArgs& args, int) {
  return scratchBytes(args.classes);
}

ScratchBytes crossEntropyGradScratch(const CrossEntropyGradArgs& args, int) {
  return scratchBytes(args.classes);
}

}  // namespace fovea::FOVEA_ISA

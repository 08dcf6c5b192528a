#include "random_tensor.h"
#include <algorithm>
#include <cstring>
#include <random>

namespace fovea::bench {

namespace {

std::mt19937 generator;

/** Dimensions of size 1 get strides that mean nothing; some others run backwards. */
void reverseSome(const std::vector<int64_t>& shape, Operand& operand) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) {
      operand.strides[d] = between(-1000000, 1000000);
    } else if (shape[d] > 1 && oneIn(5)) {
      operand.offset += operand.strides[d] * (shape[d] - 1);
      operand.strides[d] = -operand.strides[d];
    }
  }
}

}  // namespace

void setSeed(unsigned seed) { generator.seed(seed); }

int64_t between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(generator() % static_cast<uint64_t>(high - low + 1));
}

Tensor::Tensor(int64_t buffer, std::vector<int64_t> sizes, std::vector<int> order, DType dtype)
    : shape(std::move(sizes)) {
  const bool isDense = !order.empty();
  if (!isDense) {
    for (size_t d = 0; d < shape.size(); ++d) order.push_back(static_cast<int>(d));
    std::shuffle(order.begin(), order.end(), generator);
  }
  operand.buffer = buffer, operand.dtype = dtype;
  operand.offset = isDense ? 0 : between(0, 3);
  int64_t stride = isDense || oneIn(2) ? 1 : 2;
  int64_t last = operand.offset;  // the element that lies farthest
  for (size_t i = order.size(); i-- > 0;) {
    const size_t d = static_cast<size_t>(order[i]);
    operand.strides[d] = stride;
    last += stride * (std::max<int64_t>(shape[d], 1) - 1);
    stride = stride * std::max<int64_t>(shape[d], 1) + (isDense || oneIn(2) ? 0 : between(0, 3));
  }
  if (!isDense) reverseSome(shape, operand);
  const int64_t itemSize = dtype == kU8 ? 1 : 4;
  data.assign(static_cast<size_t>((last + 1) * itemSize + 3) / 4, kUntouched);
}

int64_t Tensor::at(const Index& index) const {
  int64_t position = operand.offset;
  for (size_t d = 0; d < index.size(); ++d) {
    if (shape[d] > 1) position += index[d] * operand.strides[d];
  }
  return position;
}

int64_t Tensor::integer(const Index& index) const {
  const char* bytes = reinterpret_cast<const char*>(data.data());
  if (operand.dtype == kU8) return static_cast<uint8_t>(bytes[at(index)]);
  int32_t value;
  std::memcpy(&value, bytes + at(index) * 4, 4);
  return value;
}

void Tensor::setInteger(const Index& index, int64_t value) {
  char* bytes = reinterpret_cast<char*>(data.data());
  const int32_t word = static_cast<int32_t>(value);
  if (operand.dtype == kU8) bytes[at(index)] = static_cast<char>(value);
  else std::memcpy(bytes + at(index) * 4, &word, 4);
}

void Tensor::each(const std::function<void(const Index&)>& body) const {
  if (!isGiven() || std::count(shape.begin(), shape.end(), 0) > 0) return;
  Index index(shape.size(), 0);
  while (true) {
    body(index);
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == shape[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

void Tensor::randomise() {
  each([&](const Index& index) { (*this)(index) = static_cast<float>(between(-1000, 1000)) / 500; });
}

}  // namespace fovea::bench

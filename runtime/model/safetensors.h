// Safetensors: named tensors in one file, read with every bound checked, written durably.
//
// Layout: u64 little-endian header length, JSON header {name: {dtype, shape, data_offsets}}, raw
// row-major bytes. Files are foreign: the header is at most 16 MiB, tensors tile the rest of the
// file exactly, shape products cannot overflow, names are unique. Nothing in a file is ever run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::model {

enum class Dtype : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64
};

std::string_view to_string(Dtype dtype);  // "F32", "BF16", ... as in the file
std::size_t size_of(Dtype dtype);         // bytes of one element

struct Tensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::uint64_t> shape;  // empty for a scalar
  std::span<const std::byte> bytes;  // row-major, little endian; borrowed

  std::uint64_t element_count() const;  // 1 for a scalar
};

using Metadata = std::map<std::string, std::string>;

// An open file. Tensors borrow from it and die with it.
class SafetensorsFile {
 public:
  // Maps and checks the file. Errors: kNotFound; kCorrupt naming the file and what is wrong with
  // it; kExhausted when a limit of limits.h is exceeded.
  static Result<SafetensorsFile> open(const std::string& path);

  std::span<const Tensor> tensors() const { return tensors_; }  // in name order
  const Metadata& metadata() const { return metadata_; }
  const Tensor* find(std::string_view name) const;  // null when absent

  // Copies a floating tensor (F32, F16 or BF16, widened exactly) of exactly this shape.
  //   out  [product of shape]
  // Errors: kNotFound; kCorrupt when shape or dtype differ.
  Result<void> read_f32(std::string_view name, std::span<const std::uint64_t> shape,
                        std::span<float> out) const;

  // A tensor of exactly one U64. Errors: as above.
  Result<std::uint64_t> read_u64(std::string_view name) const;

 private:
  SafetensorsFile(MappedFile file, std::string path, std::vector<Tensor> tensors, Metadata metadata)
      : file_(std::move(file)),
        path_(std::move(path)),
        tensors_(std::move(tensors)),
        metadata_(std::move(metadata)) {}

  MappedFile file_;
  std::string path_;
  std::vector<Tensor> tensors_;
  Metadata metadata_;
};

struct ParsedSafetensors {
  std::vector<Tensor> tensors;  // in name order, borrowing from the parsed bytes
  Metadata metadata;
};

// The parser itself, over bytes in memory. Errors as for open(), without the file's name.
Result<ParsedSafetensors> parse_safetensors(std::span<const std::byte> bytes);

// Writes the tensors in the given order; the data starts at a multiple of 64 bytes. Absent or whole
// after a power cut. Errors: kInvalidInput when a name repeats or bytes and shape disagree; errno.
Result<void> write_safetensors(const std::string& path, std::span<const Tensor> tensors,
                               const Metadata& metadata = {});

}  // namespace assay::model

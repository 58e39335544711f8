#include "runtime/model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "runtime/core/json.h"
#include "runtime/core/limits.h"

namespace assay::model {

static_assert(std::endian::native == std::endian::little, "tensors are little endian in the file");

namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kRankMax = 8;
constexpr std::size_t kHeaderDepthMax = 4;
constexpr std::size_t kDataAlignment = 64;
constexpr const char* kMetadataKey = "__metadata__";

struct DtypeRow {
  Dtype dtype;
  std::string_view name;
  std::size_t bytes;
};
constexpr DtypeRow kDtypes[] = {
    {Dtype::kBool, "BOOL", 1}, {Dtype::kU8, "U8", 1},   {Dtype::kI8, "I8", 1},
    {Dtype::kI16, "I16", 2},   {Dtype::kU16, "U16", 2}, {Dtype::kF16, "F16", 2},
    {Dtype::kBF16, "BF16", 2}, {Dtype::kI32, "I32", 4}, {Dtype::kU32, "U32", 4},
    {Dtype::kF32, "F32", 4},   {Dtype::kF64, "F64", 8}, {Dtype::kI64, "I64", 8},
    {Dtype::kU64, "U64", 8}};

Error corrupt(std::string message) {
  return Error{ErrorCode::kCorrupt, std::move(message), {}, {}, {}};
}
Error exhausted(std::string message) {
  return Error{ErrorCode::kExhausted, std::move(message), {}, {}, {}};
}

std::string shown(const std::string& name) {
  return ascii_json_text(name.substr(0, 80));
}

// Builds the header while refusing what a plain parse would let pass: a key given twice (the last
// would silently win) and deep nesting.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  using Json = nlohmann::json;

  bool null() override { return take(nullptr); }
  bool boolean(bool value) override { return take(value); }
  bool number_integer(number_integer_t value) override { return take(value); }
  bool number_unsigned(number_unsigned_t value) override { return take(value); }
  bool number_float(number_float_t value, const string_t&) override { return take(value); }
  bool string(string_t& value) override { return take(value); }
  bool binary(binary_t&) override { return fail("it holds binary"); }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return open(Json::object());
  }
  bool end_object() override {
    keys_.pop_back();
    return close();
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second)
      return fail("the name " + shown(name) + " is there twice");
    if (keys_.size() == 1 && keys_.back().size() > limits::kTensorCountMax + 1)
      return fail("it names more than " + std::to_string(limits::kTensorCountMax) + " tensors");
    key_ = name;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("it is not valid JSON at byte " + std::to_string(position));
  }

  Json root;
  std::string wrong;

 private:
  bool fail(std::string text) {
    if (wrong.empty()) wrong = std::move(text);
    return false;
  }
  Json* place(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }
  bool take(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() >= kHeaderDepthMax) return fail("it is nested too deeply");
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  std::vector<Json*> stack_;
  std::vector<std::set<std::string>> keys_;
  std::string key_;
};

std::optional<std::uint64_t> product_of(std::uint64_t start,
                                        const std::vector<std::uint64_t>& shape) {
  std::uint64_t product = start;
  for (const std::uint64_t extent : shape) {
    if (__builtin_mul_overflow(product, extent, &product)) return std::nullopt;
  }
  return product;
}

bool read_numbers(const nlohmann::json& list, std::size_t count_max,
                  std::vector<std::uint64_t>& numbers) {
  if (!list.is_array() || list.size() > count_max) return false;
  for (const nlohmann::json& entry : list) {
    if (!entry.is_number_unsigned()) return false;
    numbers.push_back(entry.get<std::uint64_t>());
  }
  return true;
}

std::optional<Dtype> parse_dtype(const nlohmann::json& value) {
  if (!value.is_string()) return std::nullopt;
  for (const DtypeRow& row : kDtypes) {
    if (row.name == value.get_ref<const std::string&>()) return row.dtype;
  }
  return std::nullopt;
}

Result<Tensor> read_tensor(const std::string& name, const nlohmann::json& entry,
                           std::span<const std::byte> data) {
  const std::string what = "tensor " + shown(name);
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets"))
    return corrupt(what + " must have exactly dtype, shape and data_offsets");
  Tensor tensor;
  tensor.name = name;
  const std::optional<Dtype> dtype = parse_dtype(entry["dtype"]);
  if (!dtype) return corrupt(what + " has an unknown dtype");
  tensor.dtype = *dtype;
  if (!read_numbers(entry["shape"], kRankMax, tensor.shape))
    return corrupt(what + " has a shape that is not a short list of non-negative integers");
  std::vector<std::uint64_t> range;
  if (!read_numbers(entry["data_offsets"], 2, range) || range.size() != 2)
    return corrupt(what + " has data_offsets that are not two non-negative integers");
  if (range[0] > range[1] || range[1] > data.size())
    return corrupt(what + " reaches beyond the file");
  const std::optional<std::uint64_t> bytes = product_of(size_of(tensor.dtype), tensor.shape);
  if (!bytes) return corrupt(what + " has a shape whose size overflows");
  if (*bytes != range[1] - range[0]) {
    return corrupt(what + " has " + std::to_string(range[1] - range[0]) +
                   " bytes where its shape needs " + std::to_string(*bytes));
  }
  tensor.bytes = data.subspan(range[0], *bytes);
  return tensor;
}

Result<Metadata> read_metadata(const nlohmann::json& entry) {
  if (!entry.is_object()) return corrupt("its metadata is not an object");
  Metadata metadata;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) return corrupt("its metadata " + shown(key) + " is not text");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

// Ranges must follow one another without holes and end with the file, so that no byte is hidden and
// none is shared.
Result<void> check_tiling(const std::vector<Tensor>& tensors, std::span<const std::byte> data) {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* left, const Tensor* right) {
    return std::pair(left->bytes.data(), left->bytes.size()) <
           std::pair(right->bytes.data(), right->bytes.size());
  });
  std::size_t position = 0;
  for (const Tensor* tensor : order) {
    const auto begin = static_cast<std::size_t>(tensor->bytes.data() - data.data());
    if (begin != position)
      return corrupt("tensor " + shown(tensor->name) +
                     (begin < position ? " overlaps another" : " leaves a hole before it"));
    position += tensor->bytes.size();
  }
  if (position != data.size())
    return corrupt("it has " + std::to_string(data.size() - position) +
                   " bytes that belong to no tensor");
  return {};
}

Result<std::string_view> header_of(std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes) return corrupt("it is too short for a header");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > limits::kSafetensorsHeaderBytesMax)
    return exhausted("its header claims " + std::to_string(length) + " bytes, more than the limit");
  if (length > bytes.size() - kLengthBytes)
    return corrupt("it is cut short: its header claims " + std::to_string(length) + " bytes");
  return std::string_view(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
}

float widen_f16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 31u;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24 is exact in float
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 31 ? 0x7f800000u : (exponent + 112) << 23;
  return std::bit_cast<float>(sign | widened | mantissa << 13);
}

void widen(const Tensor& tensor, std::span<float> out) {
  if (tensor.dtype == Dtype::kF32) {
    if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t raw = 0;
    std::memcpy(&raw, tensor.bytes.data() + 2 * i, 2);
    out[i] = tensor.dtype == Dtype::kF16 ? widen_f16(raw)
                                         : std::bit_cast<float>(std::uint32_t{raw} << 16);
  }
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t extent : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

Result<std::string> header_for(std::span<const Tensor> tensors, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    const std::optional<std::uint64_t> bytes = product_of(size_of(tensor.dtype), tensor.shape);
    if (header.contains(tensor.name) || tensor.name == kMetadataKey || !bytes ||
        *bytes != tensor.bytes.size() || tensor.shape.size() > kRankMax) {
      return Error{ErrorCode::kInvalidInput,
                   "tensor " + shown(tensor.name) +
                       " cannot be written: its name repeats, or its "
                       "bytes and shape disagree",
                   {},
                   {},
                   {}};
    }
    header[tensor.name] = {{"dtype", to_string(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + *bytes}}};
    offset += *bytes;
  }
  std::string text;
  try {
    text = json_text(header);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kInvalidInput, failure.what(), "names must be UTF-8", {}, {}};
  }
  while ((kLengthBytes + text.size()) % kDataAlignment != 0) text += ' ';
  return text;
}

}  // namespace

std::string_view to_string(Dtype dtype) {
  return kDtypes[static_cast<std::size_t>(dtype)].name;
}

std::size_t size_of(Dtype dtype) {
  return kDtypes[static_cast<std::size_t>(dtype)].bytes;
}

std::uint64_t Tensor::element_count() const {
  return bytes.size() / size_of(dtype);
}

Result<ParsedSafetensors> parse_safetensors(std::span<const std::byte> bytes) {
  Result<std::string_view> text = header_of(bytes);
  if (!text) return text.error();
  if (text->empty() || text->front() != '{') return corrupt("its header does not begin with '{'");
  HeaderReader reader;
  // Padding may be spaces only; strict parsing refuses anything else after the object.
  if (!nlohmann::json::sax_parse(*text, &reader))
    return corrupt("its header is bad: " + reader.wrong);
  if (!reader.root.is_object()) return corrupt("its header is not an object");
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text->size());
  ParsedSafetensors parsed;
  for (const auto& [name, entry] : reader.root.items()) {
    if (name == kMetadataKey) {
      Result<Metadata> metadata = read_metadata(entry);
      if (!metadata) return metadata.error();
      parsed.metadata = std::move(*metadata);
      continue;
    }
    Result<Tensor> tensor = read_tensor(name, entry, data);
    if (!tensor) return tensor.error();
    parsed.tensors.push_back(std::move(*tensor));
  }
  if (Result<void> tiled = check_tiling(parsed.tensors, data); !tiled) return tiled.error();
  return parsed;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  Result<ParsedSafetensors> parsed = parse_safetensors(file->bytes());
  if (!parsed) {
    Error error = parsed.error();
    error.message = "read " + path + ": " + error.message;
    error.remedy = "fetch or save the file again; it is not used";
    return error;
  }
  return SafetensorsFile(std::move(*file), path, std::move(parsed->tensors),
                         std::move(parsed->metadata));
}

const Tensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const Tensor& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

Result<void> SafetensorsFile::read_f32(std::string_view name, std::span<const std::uint64_t> shape,
                                       std::span<float> out) const {
  const Tensor* tensor = find(name);
  const std::string what = path_ + ": tensor " + shown(std::string(name));
  if (tensor == nullptr) return Error{ErrorCode::kNotFound, what + " is not there", {}, {}, {}};
  const bool is_floating =
      tensor->dtype == Dtype::kF32 || tensor->dtype == Dtype::kF16 || tensor->dtype == Dtype::kBF16;
  if (!is_floating)
    return corrupt(what + " has dtype " + std::string(to_string(tensor->dtype)) +
                   ", not F32, F16 or BF16");
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end()))
    return corrupt(what + " has shape " + shape_text(tensor->shape) + " instead of " +
                   shape_text(shape));
  ASSAY_CHECK(out.size() == tensor->element_count(), "the destination has the tensor's size");
  widen(*tensor, out);
  return {};
}

Result<std::uint64_t> SafetensorsFile::read_u64(std::string_view name) const {
  const Tensor* tensor = find(name);
  const std::string what = path_ + ": tensor " + shown(std::string(name));
  if (tensor == nullptr) return Error{ErrorCode::kNotFound, what + " is not there", {}, {}, {}};
  if (tensor->dtype != Dtype::kU64 || tensor->bytes.size() != 8)
    return corrupt(what + " is not one U64");
  std::uint64_t value = 0;
  std::memcpy(&value, tensor->bytes.data(), 8);
  return value;
}

Result<void> write_safetensors(const std::string& path, std::span<const Tensor> tensors,
                               const Metadata& metadata) {
  Result<std::string> header = header_for(tensors, metadata);
  if (!header) return header.error();
  Result<DurableWriter> writer = DurableWriter::create(path);
  if (!writer) return writer.error();
  const std::uint64_t length = header->size();
  const auto length_bytes = std::as_bytes(std::span(&length, 1));
  if (Result<void> written = writer->write(length_bytes); !written) return written;
  if (Result<void> written = writer->write(std::as_bytes(std::span(*header))); !written)
    return written;
  for (const Tensor& tensor : tensors) {
    if (Result<void> written = writer->write(tensor.bytes); !written) return written;
  }
  return writer->commit();
}

}  // namespace assay::model

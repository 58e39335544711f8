#include "runtime/model/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "runtime/core/rng.h"
#include "tests/support/temporary_folder.h"

namespace assay::model {
namespace {

using testing::TemporaryFolder;

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

Result<ParsedSafetensors> parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)));
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

TEST(Safetensors, WhatIsWrittenIsReadBackBitForBit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.safetensors");
  const std::vector<float> matrix = {1,      -0.0f, std::numeric_limits<float>::infinity(),
                                     1e-40f, 5,     6};
  const std::vector<std::uint64_t> step = {42};
  const std::vector<Tensor> tensors = {{"w", Dtype::kF32, {2, 3}, bytes_of(matrix)},
                                       {"step", Dtype::kU64, {1}, bytes_of(step)},
                                       {"empty", Dtype::kF32, {0, 4}, {}}};
  ASSERT_TRUE(write_safetensors(path, tensors, {{"format", "assay"}}));

  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->tensors()[0].name, "empty") << "in name order";
  EXPECT_EQ(file->metadata().at("format"), "assay");
  EXPECT_EQ(*file->read_u64("step"), 42u);
  std::vector<float> read(6);
  ASSERT_TRUE(file->read_f32("w", std::vector<std::uint64_t>{2, 3}, read));
  EXPECT_EQ(std::memcmp(read.data(), matrix.data(), 24), 0);
  // Aligned for direct use: 64 bytes.
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file->find("w")->bytes.data()) % 64, 0u);
}

TEST(Safetensors, TheReaderChecksNameShapeAndDtype) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.safetensors");
  const std::vector<float> values = {1, 2};
  const std::vector<std::uint64_t> number = {1};
  const std::vector<Tensor> tensors = {{"w", Dtype::kF32, {2}, bytes_of(values)},
                                       {"n", Dtype::kU64, {1}, bytes_of(number)}};
  ASSERT_TRUE(write_safetensors(path, tensors));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  std::vector<float> out(2);
  const std::vector<std::uint64_t> two = {2}, column = {2, 1}, one = {1};
  EXPECT_EQ(file->read_f32("x", two, out).error().code, ErrorCode::kNotFound);
  EXPECT_NE(file->read_f32("w", column, out).error().message.find("[2] instead of [2, 1]"),
            std::string::npos);
  EXPECT_EQ(file->read_f32("n", one, out).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file->read_u64("w").error().code, ErrorCode::kCorrupt);
}

TEST(Safetensors, HalfAndBfloatWidenExactly) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.safetensors");
  // 1, -2, the smallest subnormal 2^-24, the largest finite 65504, -infinity
  const std::vector<std::uint16_t> half = {0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00};
  // 1, -2, and 3.140625 = 0x4049
  const std::vector<std::uint16_t> brain = {0x3f80, 0xc000, 0x4049};
  const std::vector<Tensor> tensors = {{"h", Dtype::kF16, {5}, bytes_of(half)},
                                       {"b", Dtype::kBF16, {3}, bytes_of(brain)}};
  ASSERT_TRUE(write_safetensors(path, tensors));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  std::vector<float> h(5), b(3);
  ASSERT_TRUE(file->read_f32("h", std::vector<std::uint64_t>{5}, h));
  ASSERT_TRUE(file->read_f32("b", std::vector<std::uint64_t>{3}, b));
  EXPECT_EQ(h, (std::vector<float>{1, -2, 0x1p-24f, 65504, -INFINITY}));
  EXPECT_EQ(b, (std::vector<float>{1, -2, 3.140625f}));
}

TEST(Safetensors, AFileWithAMistakeIsNotWritten) {
  const TemporaryFolder folder;
  const std::vector<float> values = {1, 2};
  const std::vector<Tensor> twice(2, Tensor{"w", Dtype::kF32, {2}, bytes_of(values)});
  const std::vector<Tensor> small = {{"w", Dtype::kF32, {3}, bytes_of(values)}};
  EXPECT_FALSE(write_safetensors(folder.path("a"), twice));
  EXPECT_FALSE(write_safetensors(folder.path("a"), small));
  EXPECT_FALSE(std::filesystem::exists(folder.path("a")));
}

struct BadFile {
  const char* name;
  std::string bytes;
  const char* said;  // what the error must say
};

std::vector<BadFile> bad_files() {
  const std::string w = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string eight(8, 'x');
  const auto with = [&](const std::string& entry) {
    return file_of(R"({"w":)" + entry + "}", eight);
  };
  std::string huge = file_of(w, eight);
  huge[7] = 0x7f;  // the header length's highest byte
  std::string many = "{";
  for (int i = 0; i < 100002; ++i) many += "\"" + std::to_string(i) + "\":0,";
  many.back() = '}';
  return {
      {"empty file", "", "too short"},
      {"seven bytes", "1234567", "too short"},
      {"header length beyond the limit", huge, "more than the limit"},
      {"header length beyond the file", file_of(w, "").substr(0, 30), "cut short"},
      {"empty header", file_of("", eight), "begin with '{'"},
      {"header is a list", file_of("[]", ""), "begin with '{'"},
      {"leading space", file_of(" " + w, eight), "begin with '{'"},
      {"header is not JSON", file_of("{\"w\"", eight), "not valid JSON"},
      {"garbage after the object", file_of(w + "x", eight), "not valid JSON"},
      {"truncated data", file_of(w, "1234567"), "beyond the file"},
      {"bytes of no tensor", file_of(w, eight + "y"), "belong to no tensor"},
      {"data without tensors", file_of("{}", "y"), "belong to no tensor"},
      {"name twice",
       file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)" + w.substr(1), eight),
       "there twice"},
      {"key twice in an entry",
       with(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "there twice"},
      {"unknown dtype", with(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})"),
       "unknown dtype"},
      {"dtype is a number", with(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})"),
       "unknown dtype"},
      {"entry is a list", with("[1]"), "exactly dtype"},
      {"missing shape", with(R"({"dtype":"F32","data_offsets":[0,8]})"), "exactly dtype"},
      {"extra key", with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"),
       "exactly dtype"},
      {"negative extent", with(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
       "non-negative"},
      {"fractional extent", with(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"),
       "non-negative"},
      {"too many dimensions",
       with(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"), "short list"},
      {"shape overflows",
       with(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
       "overflows"},
      // 2^62 elements of 4 bytes wrap to 0 when multiplied carelessly.
      {"size wraps to zero",
       file_of(R"({"w":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", ""),
       "overflows"},
      {"shape too small for its bytes", with(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})"),
       "where its shape needs 4"},
      {"shape too large for its bytes", with(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       "where its shape needs 12"},
      {"offsets reversed", with(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
       "beyond the file"},
      {"one offset", with(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"), "data_offsets"},
      {"offsets are text", with(R"({"dtype":"F32","shape":[2],"data_offsets":["0","8"]})"),
       "data_offsets"},
      {"offset of 2^64 - 1",
       with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})"),
       "beyond the file"},
      {"offset beyond 64 bits",
       with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616]})"),
       "data_offsets"},
      {"hole before the first",
       file_of(R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", eight), "hole"},
      {"overlap",
       file_of(
           R"({"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
           eight),
       "overlaps"},
      {"two tensors on the same bytes",
       file_of(
           R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
           eight),
       "overlaps"},
      {"metadata is a list", file_of(R"({"__metadata__":[]})", ""), "metadata"},
      {"metadata is not text", file_of(R"({"__metadata__":{"a":1}})", ""), "not text"},
      {"nested deeply", with(std::string(5000, '[')), "nested too deeply"},
      {"too many tensors", file_of(many, ""), "more than 100000"},
      {"invalid UTF-8 in a name",
       file_of("{\"\xff\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", eight),
       "not valid JSON"},
  };
}

TEST(Safetensors, EveryHandcraftedBadFileIsRefusedForItsOwnReason) {
  ASSERT_TRUE(parse(
      file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", std::string(8, 'x'))));
  const std::vector<BadFile> files = bad_files();
  EXPECT_GE(files.size(), 35u);
  for (const BadFile& file : files) {
    const Result<ParsedSafetensors> parsed = parse(file.bytes);
    ASSERT_FALSE(parsed) << file.name;
    EXPECT_NE(parsed.error().message.find(file.said), std::string::npos)
        << file.name << ": " << parsed.error().message;
  }
}

TEST(Safetensors, FlippedBitsInTheHeaderNeverCrashAndNeverReachOutside) {
  const std::string good = file_of(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}})",
      std::string(12, 'x'));
  Rng rng(11);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    for (std::uint64_t flips = 1 + rng.below(3); flips > 0; --flips)
      bytes[rng.below(bytes.size() - 12)] ^= static_cast<char>(1u << rng.below(8));
    const Result<ParsedSafetensors> parsed = parse(bytes);
    if (!parsed) continue;
    for (const Tensor& tensor : parsed->tensors) {
      if (tensor.bytes.empty()) continue;
      const auto* begin = reinterpret_cast<const char*>(tensor.bytes.data());
      EXPECT_TRUE(begin >= bytes.data() &&
                  begin + tensor.bytes.size() <= bytes.data() + bytes.size());
    }
  }
}

TEST(Safetensors, TheErrorNamesTheFile) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path("bad.safetensors"), "1234567"));
  const Result<SafetensorsFile> file = SafetensorsFile::open(folder.path("bad.safetensors"));
  EXPECT_NE(file.error().message.find("bad.safetensors"), std::string::npos);
  EXPECT_EQ(SafetensorsFile::open(folder.path("none")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace assay::model

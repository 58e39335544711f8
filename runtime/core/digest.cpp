#include "runtime/core/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

namespace assay {

namespace {

std::string hex_of(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

int nibble(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

bool Digest::is_zero() const {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::uint64_t Digest::leading_u64() const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
  return value;
}

std::string Digest::hex() const {
  return hex_of(bytes);
}
std::string Digest::short_hex() const {
  return hex_of(std::span(bytes).first(6));
}

Result<Digest> parse_digest(std::string_view hex) {
  Digest digest;
  bool is_valid = hex.size() == 64;
  for (std::size_t i = 0; is_valid && i < 32; ++i) {
    const int high = nibble(hex[2 * i]);
    const int low = nibble(hex[2 * i + 1]);
    is_valid = high >= 0 && low >= 0;
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!is_valid) {
    return Error{ErrorCode::kInvalidInput,
                 "'" + std::string(hex.substr(0, 80)) + "' is not a digest",
                 "a digest is 64 lower-case hex digits",
                 {},
                 {}};
  }
  return digest;
}

struct Hasher::Context {
  EVP_MD_CTX* handle = nullptr;

  Context() : handle(EVP_MD_CTX_new()) {
    ASSAY_CHECK(handle != nullptr, "a hash context can be allocated");
    // Fetching the algorithm by name costs a microsecond; once a process is enough.
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    ASSAY_CHECK(EVP_DigestInit_ex2(handle, algorithm, nullptr) == 1, "SHA-256 is available");
  }
  ~Context() { EVP_MD_CTX_free(handle); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::add_bytes(std::span<const std::byte> bytes) {
  ASSAY_CHECK(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()) == 1,
              "hashing bytes in memory cannot fail");
  return *this;
}

Hasher& Hasher::add_u64(std::uint64_t value) {
  std::array<std::byte, 8> bytes;
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i) & 255);
  return add_bytes(bytes);
}

Hasher& Hasher::add_field(std::string_view text) {
  add_u64(text.size());
  return add_bytes(std::as_bytes(std::span(text)));
}

Digest Hasher::finish() {
  ASSAY_CHECK(context_ != nullptr, "a hash is finished once");
  Digest digest;
  unsigned int size = 0;
  ASSAY_CHECK(EVP_DigestFinal_ex(context_->handle, digest.bytes.data(), &size) == 1,
              "hashing bytes in memory cannot fail");
  context_.reset();
  return digest;
}

Digest sha256(std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.add_bytes(bytes);
  return hasher.finish();
}

Digest sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text)));
}

}  // namespace assay

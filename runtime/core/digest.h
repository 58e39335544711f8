// Content hashes: SHA-256 over bytes or over unambiguous sequences of fields.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  bool is_zero() const;
  std::uint64_t leading_u64() const;  // the first eight bytes, little endian
  std::string hex() const;            // 64 hex digits
  std::string short_hex() const;      // the first 12 hex digits, for people
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

Digest sha256(std::span<const std::byte> bytes);
Digest sha256(std::string_view text);
Result<Digest> parse_digest(std::string_view hex);

// An incremental SHA-256. Fields carry their length, so ("ab","c") and ("a","bc") differ.
// finish() may be called once.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& add_bytes(std::span<const std::byte> bytes);
  Hasher& add_field(std::string_view text);
  Hasher& add_u64(std::uint64_t value);
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace assay

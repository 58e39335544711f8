// Result<T>: how anything that can fail outside our own code says so.
//
// A Result holds a value or an Error. Its member names are those of std::expected, which nvcc's
// C++20 lacks. Reading the wrong side is a broken invariant and aborts; nothing here throws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "runtime/core/check.h"

namespace assay {

// A code exists only because some caller branches on it; the message carries everything else.
enum class ErrorCode {
  kInvalidInput,  // the caller's or the user's data is wrong; retrying cannot help
  kNotFound,      // the named thing does not exist
  kCorrupt,       // bytes were read but are not what they claim to be
  kTimedOut,      // the deadline passed
  kUnavailable,   // the other side cannot be reached or is shutting down; retrying may help
  kExhausted,     // memory, disk, descriptors or a declared limit
};

std::string_view to_string(ErrorCode code);

// What failed, on what, and how to mend it: at most three lines when shown to a person.
struct Error {
  ErrorCode code = ErrorCode::kInvalidInput;
  std::string message;  // what was attempted on which thing, and what went wrong
  std::string remedy;   // what to do about it; empty where nobody can know
  std::string place;    // "file:line:column" where there is one
  std::string id;       // stable number for documents and tests, e.g. "E103"; often empty
};

// `error[E103]: message`, then `  --> place` and `  = help: remedy` where present.
std::string to_text(const Error& error);

// The current errno as an Error: "<attempt> <thing>: <strerror>", with a code that fits.
Error errno_error(std::string_view attempt, std::string_view thing);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    ASSAY_CHECK(!has_value(), "error() is only read from a failed Result");
    return std::get<1>(state_);
  }

 private:
  T& checked() {
    ASSAY_CHECK(has_value(), "value() is only read from a successful Result");
    return std::get<0>(state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }

  const Error& error() const {
    ASSAY_CHECK(!has_value(), "error() is only read from a failed Result");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace assay

// What tester and runner say to each other: one request, one answer.
//
// The tester trusts no byte of an answer; the runner has nothing to protect.
#pragma once

#include <cstddef>

namespace assay::verifiers::python {

inline constexpr std::size_t kMessageBytesMax = std::size_t{4} << 20;

// First byte of what the runner says once the program has been run from top to bottom.
inline constexpr char kProgramReady = 'r';
inline constexpr char kProgramRaised = 'x';  // the exception's name follows
// The reason of a verdict on a program that wrote to the line by itself.
inline constexpr const char* kAnsweredUnasked = "the program answered what it was not asked";

// Requests. A name is a text field, an object a handle that an answer gave.
enum class Request : char {
  kLookUp = 'n',  // name
  kCall = 'c',    // handle, whether an object may stay there, positional tuple, keyword dictionary
  kGet = 'g',     // handle, name
  kSet = 's',     // handle, name, value
};

// Answers.
enum class Answer : char {
  kValue = 'v',   // a value; then, if there is more, the positional arguments as they are now
  kObject = 'h',  // a handle; of a look-up, then whether it is a class
  kModule = 'm',  // the name of a module
  kRaised = 'e',  // the exception's name
  kAbsent = 'a',
  kTooLarge = 'l',
  kNotPlain = 'u',
};

}  // namespace assay::verifiers::python

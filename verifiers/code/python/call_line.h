// What tester and runner say to each other: one request, one answer.
//
// The tester trusts no byte of an answer; the runner has nothing to protect. Each request begins
// with a token that nobody can guess and its answer begins with the same: what a program writes to
// the line by itself is told apart whenever it comes, so that no verdict depends on who was faster.
#pragma once

#include <cstddef>

namespace assay::verifiers::python {

inline constexpr std::size_t kMessageBytesMax = std::size_t{4} << 20;

inline constexpr std::size_t kTokenBytes = 8;

// First byte of the answer to kStart, once the program has been run from top to bottom.
inline constexpr char kProgramReady = 'r';
inline constexpr char kProgramRaised = 'x';  // the exception's name follows
// The reasons of verdicts on programs that wrote to the line by themselves, and that left it.
inline constexpr const char* kAnsweredUnasked = "the program answered what it was not asked";
inline constexpr const char* kProgramEnded = "the program ended its process";

// Requests. A name is a text field, an object a handle that an answer gave.
enum class Request : char {
  kStart = 'b',
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
  kRaised = 'e',  // fields: its nearest built-in class, its name, its arguments, which may be empty
  kAbsent = 'a',
  kTooLarge = 'l',
  kNotPlain = 'u',
};

}  // namespace assay::verifiers::python

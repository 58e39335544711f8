// Compiling in a jail: the machine's g++, with nothing to write to but a folder in memory.
#pragma once

#include <string_view>

namespace assay::verifiers::native {

// What compile_program() answers.
inline constexpr std::string_view kCompiled = "compiled";
inline constexpr std::string_view kNotCompiled = "not compiled";
inline constexpr std::string_view kNoCompiler = "no compiler";

// Takes the source from kControl, compiles it in the current folder, copies the program to the file
// on kPeer and answers on kControl. What the compiler prints goes to standard output. Returns the
// exit status.
int compile_program();

}  // namespace assay::verifiers::native

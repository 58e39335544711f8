// Programs that read an input and write an output: the expected outputs stay in this process.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "runtime/wire/verdict.h"
#include "verifiers/code/code_task.h"
#include "verifiers/sandbox/jail_pool.h"

namespace assay::verifiers {

// Whether two outputs are the same to a reader: blanks at the ends of lines and empty lines at the
// end do not count.
bool is_same_output(std::string_view given, std::string_view expected);

// Runs the program on every input, each in a fresh process, until one output differs. A C++ program
// is compiled first, in a jail of its own. The limits hold for each run. `level` is where it ran.
// Errors: the machine's fault.
Result<wire::Verdict> judge_io(const CodeTask& task, std::string_view program,
                               sandbox::JailPool& pool, sandbox::IsolationLevel& level);

}  // namespace assay::verifiers

// The verifier `code`: runs a program against tests, in a jail, and says what came of it.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/code/code_task.h"
#include "verifiers/registry.h"
#include "verifiers/sandbox/jail_pool.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Options as read_code_task(). The expected values never enter the process that runs the program;
// the verdict comes from the process that holds them, or from this one. `isolation` of the verdict
// is the level of the jail. Codes of incorrect: no_answer, malformed, wrong_answer, runtime_error,
// timeout, memory_limit, output_limit, violation. The limits hold for program and tests together:
// what the tests do with a result counts as the program's. Without a jail, companion or usable
// tests the verdict is unscored.
//
// What is drawn, the order of the tests and the sample of programs that must pass twice, is drawn
// from the hash of prompt and program: the same each time. A program of the sample that does not
// pass again, its tests in another order, gets the second verdict with the check `flaky`: a reward
// must not depend on luck.
Result<std::unique_ptr<Verifier>> make_code_verifier(const VerifierContext& context,
                                                     std::string_view options_json);

// The same for a task that has been read, in jails of the caller's, e.g. of a lower level.
std::unique_ptr<Verifier> make_code_verifier(CodeTask task,
                                             std::shared_ptr<sandbox::JailPool> pool);

}  // namespace assay::verifiers

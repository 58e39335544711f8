// The python verifier: a function of the user's judges, in a process of the user's interpreter.
//
// Options: `path` ("verifier.py" or "verifier.py:has_box"), `interpreter`, `memory_mb`,
// `timeout_s`, `start_timeout_s`, `threshold` (the least score that is correct where the function
// does not say `pass`), `sandbox` (true: it reads files, writes none, and has no network; false:
// all that its author may).
//
// Parameters are bound by name: prompt, completion, answer and any column of the dataset. Functions
// of TRL (completions, ...), verl (data_source, solution_str, ground_truth, extra_info), promptfoo
// (output, context) and reasoning-gym (answer, entry) are recognised by their parameters. They may
// return a bool, a number in [0, 1], (score, reason), {pass, score, reason} or None (no opinion),
// and may be async. What is raised, returned wrong, hangs or dies is unscored, never a reward of 0.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/registry.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Errors: E403 for options; E401 when the function cannot be imported.
Result<std::unique_ptr<Verifier>> make_python_verifier(const VerifierContext& context,
                                                       std::string_view options_json);

}  // namespace assay::verifiers

// The verifiers by name: one visible table.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// What a verifier is told beside its own options.
struct VerifierContext {
  std::string folder = ".";  // relative paths in options start here
  // How long one check may take where the options say nothing; 0: the verifier's own default.
  std::chrono::milliseconds time_limit{0};
  bool watches_effects = false;  // for Verifier::side_effects(); costs a function some time
};

struct VerifierKind {
  std::string_view name;
  std::string_view summary;  // one line for people
  // Makes one from its options, a JSON object as text.
  Result<std::unique_ptr<Verifier>> (*make)(const VerifierContext& context,
                                            std::string_view options_json);
};

// Every verifier of this build, in the order people are shown.
std::span<const VerifierKind> verifier_kinds();

// Makes a verifier. `options_json` is a JSON object whose keys are the verifier's options.
// Errors: kNotFound E402 for an unknown name (lists the known ones and the nearest);
// kInvalidInput E403 for an option that the verifier does not have or that has a wrong type or
// value.
Result<std::unique_ptr<Verifier>> make_verifier(std::string_view name,
                                                std::string_view options_json = "{}",
                                                const VerifierContext& context = {});

}  // namespace assay::verifiers

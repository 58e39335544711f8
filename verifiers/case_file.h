// Case files: completions with the verdicts that are acceptable, one JSON object a line.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/verdict.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

inline constexpr std::size_t kCaseLineBytesMax = std::size_t{256} << 20;

struct Case {
  std::size_t line = 0;  // 1-based
  std::string id;
  std::string category;  // "" where the file names none
  wire::Prompt prompt;  // text (often empty), verifier and reference
  std::string completion;
  std::vector<wire::Outcome> expect;           // at least one
  std::vector<wire::VerdictCode> expect_code;  // empty: any
  std::shared_ptr<const Verifier> verifier;    // shared by cases with equal options
};

struct CaseSelection {
  std::vector<std::string> only_types;  // empty: all; others are skipped
  bool skips_unknown = false;           // skip cases whose verifier this build does not have
  std::string folder = ".";             // where relative paths in options start
  // Judges the cases that name no verifier; without one each case must.
  std::shared_ptr<const Verifier> fallback = nullptr;
};

struct CaseSet {
  std::vector<Case> cases;
  std::size_t skipped_count = 0;
};

// Reads a whole file before any case is judged, and makes the verifiers.
//   `name` is the file's name, for errors.
// A line has the fields id, verifier {type, options...}, completion, expect and perhaps reference,
// prompt, columns (an object), category and expect_code; other fields are for people and are
// ignored.
// Errors, placed at name:line: kCorrupt E410 for a malformed case, E402 for an unknown verifier,
// E403 for a wrong option; kInvalidInput when no case is left.
Result<CaseSet> parse_cases(std::string_view text, const std::string& name,
                            const CaseSelection& selection = {});

// Whether the verdict is among the acceptable ones, its code too where the case names codes.
bool agrees(const Case& judged, const wire::Verdict& verdict);

// The verdict as the one-line JSON object of `assay verify`. Two records of one case differ in
// latency_ms only.
std::string verdict_record(std::string_view id, const wire::Verdict& verdict);

// The verdict of verifier and completion with latency_ms filled in.
wire::Verdict timed_verdict(const Verifier& verifier, const wire::Prompt& prompt,
                            std::string_view completion);

}  // namespace assay::verifiers

// Canaries: completions that no judge may accept, whatever was asked.
#pragma once

#include <span>
#include <string_view>

namespace assay::verifiers::http {

// Empty phrases that judges of language models are known to reward ("master keys"), instructions to
// the judge, and forged verdicts.
// Source: One Token to Fool LLM-as-a-Judge, arXiv:2507.08794.
std::span<const std::string_view> known_bad_completions();

}  // namespace assay::verifiers::http

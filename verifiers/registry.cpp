#include "verifiers/registry.h"

#include <array>
#include <vector>

#include "verifiers/arithmetic/chain_verifier.h"
#include "verifiers/code/code_verifier.h"
#include "verifiers/compose/compose_verifier.h"
#include "verifiers/http/http_verifier.h"
#include "verifiers/math/math_verifier.h"
#include "verifiers/option_reader.h"
#include "verifiers/python/python_verifier.h"
#include "verifiers/sql/sql_verifier.h"
#include "verifiers/text/choice.h"
#include "verifiers/text/exact_match.h"
#include "verifiers/text/format_verifier.h"
#include "verifiers/text/regex_match.h"
#include "verifiers/text/rubric.h"

namespace assay::verifiers {

namespace {

// Makes a verifier that needs nothing but its options.
template <Result<std::unique_ptr<Verifier>> (*make)(std::string_view)>
Result<std::unique_ptr<Verifier>> from_options(const VerifierContext&, std::string_view options) {
  return make(options);
}

constexpr auto kKinds = std::to_array<VerifierKind>({
    {"math", "the final answer of a solution, compared as an exact value",
     from_options<make_math_verifier>},
    {"chain", "chain arithmetic mod 100, every intermediate state checked",
     from_options<make_chain_verifier>},
    {"exact", "the completion is the reference, word for word", from_options<make_exact_match>},
    {"choice", "the letter of a multiple-choice question", from_options<make_choice>},
    {"regex", "the completion matches a regular expression (RE2)", from_options<make_regex_match>},
    {"format", "the completion has a declared form: tags, JSON by a schema, a box",
     from_options<make_format_verifier>},
    {"rubric", "weighted criteria, each with its own check", from_options<make_rubric>},
    {"code", "a program, run against tests in a sandbox", make_code_verifier},
    {"sql", "the query returns what the reference query returns (SQLite, PostgreSQL)",
     make_sql_verifier},
    {"python", "a Python function of yours, in a process of its own", make_python_verifier},
    {"http", "a judge behind a URL says whether the completion is right", make_http_verifier},
    {"compose", "several verifiers together: all, weighted, min, cascade; gates, tripwires",
     make_compose_verifier},
});

}  // namespace

std::span<const VerifierKind> verifier_kinds() {
  return kKinds;
}

Result<std::unique_ptr<Verifier>> make_verifier(std::string_view name,
                                                std::string_view options_json,
                                                const VerifierContext& context) {
  std::vector<std::string> names;
  std::string list;
  for (const VerifierKind& kind : kKinds) {
    if (kind.name == name) return kind.make(context, options_json);
    names.emplace_back(kind.name);
    list += (list.empty() ? "" : ", ") + std::string(kind.name);
  }
  const std::string near = nearest_word(name, names);
  return Error{ErrorCode::kNotFound,
               "unknown verifier \"" + std::string(name.substr(0, 80)) + "\"; known are " + list,
               near.empty() ? "choose one of those" : "did you mean \"" + near + "\"?", "", "E402"};
}

}  // namespace assay::verifiers

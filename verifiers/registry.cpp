#include "verifiers/registry.h"

#include <array>
#include <vector>

#include "verifiers/arithmetic/chain_verifier.h"
#include "verifiers/http/http_verifier.h"
#include "verifiers/math/math_verifier.h"
#include "verifiers/option_reader.h"
#include "verifiers/sql/sql_verifier.h"
#include "verifiers/text/exact_match.h"

namespace assay::verifiers {

namespace {

// Makes a verifier that needs nothing but its options.
template <Result<std::unique_ptr<Verifier>> (*make)(std::string_view)>
Result<std::unique_ptr<Verifier>> from_options(const VerifierContext&, std::string_view options) {
  return make(options);
}

constexpr std::array<VerifierKind, 5> kKinds = {{
    {"math", "the final answer of a solution, compared as an exact value",
     from_options<make_math_verifier>},
    {"chain", "chain arithmetic mod 100, every intermediate state checked",
     from_options<make_chain_verifier>},
    {"exact", "the completion is the reference, word for word", from_options<make_exact_match>},
    {"sql", "the query returns what the reference query returns (SQLite, PostgreSQL)",
     make_sql_verifier},
    {"http", "a judge behind a URL says whether the completion is right", make_http_verifier},
}};

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

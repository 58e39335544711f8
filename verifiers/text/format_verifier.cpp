#include "verifiers/text/format_verifier.h"

#include <string>
#include <utility>

#include "verifiers/option_reader.h"
#include "verifiers/text/format_check.h"
#include "verifiers/text/text_input.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

class FormatVerifier final : public Verifier {
 public:
  FormatVerifier(std::string name, FormatCheck check)
      : name_(std::move(name)), check_(std::move(check)) {}

  std::string identity() const override { return "format/1"; }

  wire::Verdict verify(const wire::Prompt&, std::string_view completion) const override {
    return stamped(judge(completion), identity(), completion);
  }

  // The reference is not read.
  Result<void> check_reference(const wire::Prompt&) const override { return {}; }

 private:
  wire::Verdict judge(std::string_view completion) const {
    if (auto refused = refused_input(completion)) return *refused;
    if (const auto complaint = check_.complaint_about(completion)) {
      return wire::Verdict::incorrect(wire::VerdictCode::kMalformed,
                                      "the completion is not " + name_ + ": " + *complaint);
    }
    return wire::Verdict::correct("the completion is " + name_);
  }

  std::string name_;
  FormatCheck check_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_format_verifier(std::string_view options_json) {
  OptionReader options("format", options_json);
  const std::string name = options.read_word("format", "think_answer", format_names());
  std::vector<std::string> tags = options.read_texts("tags");
  const std::string schema = options.read_json("schema");
  if (!schema.empty() && name != "json") {
    options.refuse("\"schema\" belongs to the format json", "leave it out, or set the format");
  }
  auto check = FormatCheck::make(name, std::move(tags), schema);
  if (!check) options.refuse(check.error().message, check.error().remedy);
  if (auto finished = options.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<FormatVerifier>(name, std::move(*check)));
}

}  // namespace assay::verifiers

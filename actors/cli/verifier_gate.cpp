#include "actors/cli/verifier_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "actors/cli/verifier_audit.h"
#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "verifiers/case_file.h"

namespace assay::cli {

namespace {

constexpr std::size_t kSuiteBytesMax = 256 * limits::kMiB;

Result<verifiers::CaseSet> read_suite(const VerifierSettings& settings,
                                      std::shared_ptr<const verifiers::Verifier> verifier) {
  const auto text = read_file(settings.suite, kSuiteBytesMax);
  if (!text) return text.error();
  verifiers::CaseSelection selection;
  const std::size_t slash = settings.suite.rfind('/');
  if (slash != std::string::npos) selection.folder = settings.suite.substr(0, slash);
  selection.fallback = std::move(verifier);
  return verifiers::parse_cases(*text, settings.suite, selection);
}

}  // namespace

Result<std::string> check_verifier_gates(const RunSetup& setup) {
  std::string lines;
  for (const VerifierSettings& settings : setup.config.verifiers) {
    if (settings.suite.empty()) continue;
    const auto set = read_suite(settings, setup.verifiers.at(settings.name));
    if (!set) return set.error();
    AuditOptions options;
    options.coverage_min = settings.min_coverage;
    options.false_rejects_max = settings.max_false_rejects;
    options.thread_count = std::max(1u, std::thread::hardware_concurrency());
    const AuditReport report = audit(set->cases, options);
    const std::vector<std::string> shut = report.shut_gates(options);
    if (!shut.empty()) {
      return Error{ErrorCode::kInvalidInput,
                   "the verifier '" + settings.name + "' does not pass its gate: " + shut.front(),
                   "mend it or add cases; `assay verify` with --suite " + settings.suite +
                       " lists what it accepts",
                   settings.suite, "E405"};
    }
    lines += fmt::format(
        "verifier {}: catches {} of {} wrong completions (at least {:.1f} %), refuses {} of {} "
        "right ones\n",
        settings.name, report.caught.hits, report.caught.total, 100 * report.caught.rate().low,
        report.refused.hits, report.refused.total);
  }
  return lines;
}

}  // namespace assay::cli

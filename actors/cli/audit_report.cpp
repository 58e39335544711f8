#include "actors/cli/audit_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/cli/text_layout.h"
#include "runtime/core/json.h"

namespace assay::cli {

namespace {

constexpr std::size_t kShownColumns = 60;

std::string percent(const AuditCount& count) {
  if (count.total == 0) return fmt::format("{:>9}", "-");
  const algo::Interval rate = count.rate();
  return fmt::format("{:>4}/{:<4} {:5.1f} % ({:.1f} to {:.1f})", count.hits, count.total,
                     100 * rate.value, 100 * rate.low, 100 * rate.high);
}

std::string shown(const std::string& completion) {
  return "\"" + cut(one_line(completion), kShownColumns) + "\"";
}

std::string findings_text(const char* title, const std::vector<AuditFinding>& findings,
                          std::uint64_t count, std::size_t columns) {
  if (findings.empty()) return "";
  std::string text = fmt::format("\n{}, {} of {}\n", title, findings.size(), count);
  for (const AuditFinding& one : findings) {
    const std::string line = fmt::format("{} (line {}): {}: {}", one_line(one.id), one.line,
                                         shown(one.completion), one_line(one.reason));
    text += "  " + wrapped(line, columns, 4) + "\n";
  }
  return text;
}

Json rate_json(const AuditCount& count) {
  if (count.total == 0) {
    return {{"value", nullptr},
            {"low", nullptr},
            {"high", nullptr},
            {"n", 0},
            {"unscored", count.unscored},
            {"null_reason", "no such completion in the suite"}};
  }
  const algo::Interval rate = count.rate();
  return {{"value", rate.value},
          {"low", rate.low},
          {"high", rate.high},
          {"n", count.total},
          {"unscored", count.unscored}};
}

Json findings_json(const std::vector<AuditFinding>& findings) {
  Json list = Json::array();
  for (const AuditFinding& one : findings) {
    list.push_back({{"id", one.id},
                    {"line", one.line},
                    {"completion", one.completion},
                    {"reason", one.reason}});
  }
  return list;
}

}  // namespace

std::string audit_text(const AuditReport& report, const AuditOptions& options,
                       std::size_t columns) {
  std::string text = fmt::format("audit of {}\n", report.verifier);
  text += fmt::format("  errors caught     {}\n", percent(report.caught));
  text += fmt::format("  false rejects     {}\n", percent(report.refused));
  text += fmt::format("  suite accuracy    {}\n", percent(report.agreed));
  text += fmt::format("  latency           p50 {:.3f} ms, p95 {:.3f} ms, p99 {:.3f} ms\n",
                      report.p50_ms, report.p95_ms, report.p99_ms);
  text += fmt::format("  said twice        {} verdicts differ\n\n", report.unstable);
  std::size_t width = 8;
  for (const auto& [name, stratum] : report.strata) width = std::max(width, name.size());
  text += fmt::format("  {:<{}}  {:<34}  {}\n", "stratum", width, "errors caught", "false rejects");
  for (const auto& [name, stratum] : report.strata) {
    text += fmt::format("  {:<{}}  {:<34}  {}\n", name, width, percent(stratum.caught),
                        percent(stratum.refused));
  }
  text += findings_text("false accepts", report.false_accepts,
                        report.caught.total - report.caught.hits, columns);
  text += findings_text("false rejects", report.false_rejects, report.refused.hits, columns);
  for (const std::string& warning : report.warnings) {
    text += "\n" + wrapped("warning: " + one_line(warning), columns, 2) + "\n";
  }
  for (const std::string& gate : report.shut_gates(options)) {
    text += "\n" + wrapped("gate not met: " + gate, columns, 2) + "\n";
  }
  return text;
}

std::string audit_json(const AuditReport& report, const AuditOptions& options) {
  Json strata = Json::object();
  for (const auto& [name, stratum] : report.strata) {
    strata[name] = {{"error_catch_rate", rate_json(stratum.caught)},
                    {"false_reject_rate", rate_json(stratum.refused)}};
  }
  const std::vector<std::string> shut = report.shut_gates(options);
  const Json document = {
      {"assay", 1},
      {"verifier", report.verifier},
      {"error_catch_rate", rate_json(report.caught)},
      {"false_reject_rate", rate_json(report.refused)},
      {"suite_accuracy", rate_json(report.agreed)},
      {"either_acceptable", report.undecided},
      {"strata", std::move(strata)},
      {"unstable", report.unstable},
      {"latency_ms", {{"p50", report.p50_ms}, {"p95", report.p95_ms}, {"p99", report.p99_ms}}},
      {"false_accepts", findings_json(report.false_accepts)},
      {"false_rejects", findings_json(report.false_rejects)},
      {"side_effects", report.side_effects},
      {"warnings", report.warnings},
      {"gates_not_met", shut},
      {"missing_cases", options.coverage_min > 0
                            ? Json(missing_cases(report.caught, options.coverage_min))
                            : Json(nullptr)}};
  return json_text(document);
}

}  // namespace assay::cli

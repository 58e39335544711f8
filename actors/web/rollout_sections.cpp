#include <fmt/format.h>

#include <algorithm>

#include "actors/web/html_text.h"
#include "actors/web/report_sections.h"

namespace assay::web {
namespace {

constexpr std::size_t kCardsShownMax = 40;
constexpr std::size_t kTextShownMax = 1500;

const char* tone_of(const std::string& outcome) {
  if (outcome == "correct") return "good";
  return outcome == "incorrect" ? "bad" : "open";
}

// A meaning that colour alone does not carry.
const char* sign_of(const std::string& outcome) {
  if (outcome == "correct") return "✓";
  return outcome == "incorrect" ? "✗" : "?";
}

std::string block(const std::string& text) {
  return text.empty() ? dash("empty") : "<code>" + escape_block(text, kTextShownMax) + "</code>";
}

std::string verdict_line(const JudgedText& judged) {
  return fmt::format("<div class=judged><span class={}>{} {}</span> {}</div>",
                     tone_of(judged.outcome), sign_of(judged.outcome), escape(judged.outcome),
                     escape_block(judged.reason, kTextShownMax));
}

std::string task_line(const std::string& prompt, const std::string& reference) {
  return "<div class=task>" + block(prompt) + " <small>expected</small> " + block(reference) +
         "</div>";
}

// "3 of 32 right", or that nothing could be scored.
std::string solved(std::uint64_t correct, std::uint64_t scored) {
  if (scored == 0) return "none scored";
  return fmt::format("{} of {} right", correct, scored);
}

std::string side(const char* name, std::uint64_t correct, std::uint64_t scored,
                 const JudgedText& judged) {
  return fmt::format("<div class=side><div class=name>{}, {}</div>{}{}</div>", name,
                     solved(correct, scored), block(judged.completion), verdict_line(judged));
}

std::string compared_card(const ComparedPrompt& one) {
  return "<div class=card>" + task_line(one.prompt, one.reference) +
         side("before", one.before_correct, one.before_scored, one.before) +
         side("after", one.after_correct, one.after_scored, one.after) + "</div>";
}

std::string rollout_card(const InspectedRollout& one) {
  const std::string versions =
      one.version_first == one.version_last
          ? fmt::format("version {}", one.version_last)
          : fmt::format("versions {}–{}", one.version_first, one.version_last);
  const std::string advantage = one.advantage
                                    ? fmt::format("advantage {}", signed_decimal(*one.advantage))
                                    : "not trained on";
  return fmt::format("<div class=card><div class=name>{}</div>", escape(one.why)) +
         task_line(one.prompt, one.reference) + block(one.judged.completion) +
         verdict_line(one.judged) +
         fmt::format("<small>update {}, {}, {}, rollout <code>{}</code></small></div>", one.step,
                     versions, advantage, escape(one.id));
}

// The first `kCardsShownMax` as cards, and how many there are beyond.
template <class One>
std::string cards(const std::vector<One>& all, std::string (*card)(const One&)) {
  std::string body = "<div class=cards>";
  const std::size_t count = std::min(all.size(), kCardsShownMax);
  for (std::size_t i = 0; i < count; ++i) body += card(all[i]);
  body += "</div>";
  if (count < all.size()) {
    body += fmt::format("<p class=note>{} more are in the run folder.</p>", all.size() - count);
  }
  return body;
}

}  // namespace

std::string compared_section(const ReportInput& input) {
  if (input.compared.empty()) {
    return "<p class=none>No prompt was kept with its completions on both sides.</p>";
  }
  return "<p class=note>Evaluation prompts that changed most for the better, then for the worse, "
         "then ones that stayed out of reach. Each side shows a completion of its commoner "
         "kind.</p>" +
         cards(input.compared, compared_card);
}

std::string verdict_section(const ReportInput& input) {
  if (input.verdicts.empty()) return "<p class=none>No verdicts were kept.</p>";
  const bool has_after = std::any_of(input.verdicts.begin(), input.verdicts.end(),
                                     [](const VerdictCount& one) { return one.after > 0; });
  std::string body = "<table class=narrow><tr><th>verdict<th class=n>before<th class=n>after</tr>";
  for (const VerdictCount& one : input.verdicts) {
    body += fmt::format("<tr><td>{}<td class=n>{}<td class=n>{}</tr>", escape(one.code),
                        whole(static_cast<double>(one.before)),
                        has_after ? whole(static_cast<double>(one.after)) : dash("not measured"));
  }
  return body +
         "</table><p class=note>Completions of the evaluation by the code of their verdict. "
         "A judge that failed says judge_unavailable or internal_error: those completions count "
         "as unscored, never as wrong.</p>";
}

std::string rollouts_section(const ReportInput& input) {
  if (input.rollouts.empty()) return "<p class=none>No rollout was kept for looking at.</p>";
  return "<p class=note>The rollouts of the first and the last update whose verdicts most deserve "
         "a second opinion. If one of them is judged wrongly, mend the verifier before believing "
         "the figures above. <code>assay explain " +
         escape(input.run) + " ROLLOUT</code> tells a rollout's whole story.</p>" +
         cards(input.rollouts, rollout_card);
}

}  // namespace assay::web

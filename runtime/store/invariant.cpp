#include "runtime/store/invariant.h"

#include <algorithm>
#include <utility>

namespace assay::store {

namespace {

constexpr std::size_t kShownSeqs = 3;

constexpr std::array<std::string_view, kInvariantCount> kDescriptions = {
    "each group is issued once, under the id its place derives",
    "each group ends once; in a finished run exactly once",
    "nothing but late arrivals after a group's end",
    "drop reasons are from the closed list",
    "each rollout is accepted once",
    "each scored verdict is accepted once, and nothing after it",
    "a consumed group has a verdict for each of its rollouts",
    "what was judged is what was generated",
    "issued before generated before verified",
    "trained rollouts are neither from the future nor too stale",
    "a group is consumed exactly when one step uses it",
    "steps are contiguous and start from the weights the last one left",
    "fences never decrease and are always known",
    "attempts are within the limit",
    "sequence numbers are dense",
    "the hash chain and the stored bytes are intact",
    "issued = consumed + dropped + open; a finished run has none open",
    "open groups stay within the declared bound",
    "every lease ends",
    "judging the stored bytes again gives the stored reward",
    "replaying the stored groups gives the recorded weights",
    "nothing acknowledged is missing"};

}  // namespace

std::string id_of(Invariant invariant) {
  const auto number = static_cast<unsigned>(invariant);
  return {'I', static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}

std::string_view description_of(Invariant invariant) {
  return kDescriptions.at(static_cast<std::size_t>(invariant) - 1);
}

bool CheckReport::is_clean() const {
  return std::none_of(invariants.begin(), invariants.end(), [](const InvariantReport& report) {
    return report.state == CheckState::kViolated;
  });
}

const InvariantReport& CheckReport::of(Invariant invariant) const {
  return invariants.at(static_cast<std::size_t>(invariant) - 1);
}

Findings::Findings() {
  for (std::size_t i = 0; i < kInvariantCount; ++i)
    reports_[i].invariant = static_cast<Invariant>(i + 1);
}

void Findings::report(Invariant invariant, std::uint64_t seq, std::string text) {
  InvariantReport& found = reports_[static_cast<std::size_t>(invariant) - 1];
  found.state = CheckState::kViolated;
  if (found.violation_count++ == 0) found.text = std::move(text);
  if (found.first_seqs.size() < kShownSeqs) found.first_seqs.push_back(seq);
}

void Findings::leave_unchecked(Invariant invariant, std::string why) {
  InvariantReport& found = reports_[static_cast<std::size_t>(invariant) - 1];
  if (found.state != CheckState::kHolds) return;
  found.state = CheckState::kNotChecked;
  found.text = std::move(why);
}

std::vector<InvariantReport> Findings::reports() const {
  return {reports_.begin(), reports_.end()};
}

}  // namespace assay::store

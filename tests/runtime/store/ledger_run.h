// A small, valid run written through the ledger: what its tests read, damage and check.
#pragma once

#include <string>
#include <vector>

#include "runtime/store/ledger.h"
#include "runtime/store/ledger_reader.h"

namespace assay::store::testing {

inline LedgerHeader small_header() {
  LedgerHeader header;
  header.run = "small";
  header.seed = 17;
  header.config_sha256 = sha256("config");
  header.group_size = 2;
  header.staleness_max = 1;
  header.attempts_max = 3;
  header.open_groups_max = 4;
  header.weights_base = sha256("weights 0");
  return header;
}

inline wire::Prompt small_prompt(std::uint64_t row) {
  wire::Prompt prompt;
  prompt.source = "sums";
  prompt.text = std::to_string(row) + "+1=";
  prompt.verifier = "exact/1";
  prompt.reference = std::to_string(row + 1);
  prompt.row = row;
  prompt.id = derive_prompt_id(prompt.source, prompt.text, prompt.reference);
  return prompt;
}

inline GroupId small_group(const LedgerHeader& header, std::uint64_t row) {
  return derive_group_id({header.seed, header.arm, 0, row, 0}, small_prompt(row).id);
}

inline wire::Rollout small_rollout(RolloutId id, std::uint64_t row, std::uint32_t version) {
  wire::Rollout rollout;
  rollout.id = id;
  rollout.prompt = small_prompt(row).id;
  rollout.seed = derive_sampling_seed(17, id);
  rollout.prompt_tokens = {1, 2, 3};
  rollout.completion_tokens = {4, 5};
  rollout.logprobs = {-0.5f, -0.25f};
  rollout.versions = {version, version};
  rollout.completion = std::to_string(row + 1 + id.index);
  return rollout;
}

// The reference answer is right for index 0 and wrong for index 1.
inline wire::Verdict small_verdict(const wire::Rollout& rollout) {
  wire::Verdict verdict = rollout.id.index == 0 ? wire::Verdict::correct("equal")
                                                : wire::Verdict::incorrect(
                                                      wire::VerdictCode::kWrongAnswer, "not equal");
  verdict.judged = sha256(rollout.completion);
  return verdict;
}

// Writes one group up to its verdicts.
inline void write_group(Ledger& ledger, std::uint64_t row, std::uint64_t version) {
  const GroupId group = small_group(ledger.header(), row);
  ledger.append_issued({group, 0, row, 0, {version}}, small_prompt(row), {1000, "curator", 1});
  LedgerEvent leased;
  leased.kind = EventKind::kLeased;
  leased.group = group;
  leased.attempt = 1;
  leased.actor = "generator/0";
  ledger.append(leased);
  for (std::uint32_t index = 0; index < 2; ++index) {
    const RolloutId id{group, index};
    const wire::Rollout rollout = small_rollout(id, row, static_cast<std::uint32_t>(version));
    ledger.append_generated(rollout, {1001, "generator/0", 1});
    ledger.append_verdict(id, small_verdict(rollout), {1002, "verifier/0", 1});
  }
}

inline StepCommit small_step(const LedgerHeader& header, std::uint64_t step) {
  StepCommit commit;
  commit.record.step = step;
  commit.record.version_in = {step - 1};
  commit.record.version_out = {step};
  commit.record.weights_in = sha256("weights " + std::to_string(step - 1));
  commit.record.weights_out = sha256("weights " + std::to_string(step));
  commit.record.checkpoint = step == 2 ? "step_2" : "";
  const std::uint64_t row = 3 * (step - 1);
  commit.record.groups = {small_group(header, row), small_group(header, row + 1)};
  commit.dropped = {{small_group(header, row + 2), DropReason::kZeroVariance}};
  return commit;
}

// Three steps of two groups each with one more dropped; finished.
inline void write_run(Ledger& ledger, std::uint64_t steps = 3, bool is_finished = true) {
  for (std::uint64_t step = 1; step <= steps; ++step) {
    for (std::uint64_t row = 3 * (step - 1); row < 3 * step; ++row)
      write_group(ledger, row, step - 1);
    ASSAY_CHECK(ledger.commit_step(small_step(ledger.header(), step), {1003, "learner", 1}),
                "a step of the small run commits");
  }
  if (is_finished) ASSAY_CHECK(ledger.finish({1004, "curator", 0}), "the small run finishes");
}

inline std::vector<LedgerEvent> events_of(const std::string& path) {
  Result<LedgerReader> reader = LedgerReader::open(path);
  std::vector<LedgerEvent> events;
  const auto keep = [&events](const LedgerEvent& event) -> Result<void> {
    events.push_back(event);
    return {};
  };
  ASSAY_CHECK(reader->for_each_event(keep), "the events of the small run are read");
  return events;
}

}  // namespace assay::store::testing

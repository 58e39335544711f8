// What people should read of a run: prompts before and after training, and verdicts to check.
//
// Chosen from the files of the run, always the same from the same files. A file that is absent or
// damaged is no reason to have no report: its part stays empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/cli/run_setup.h"
#include "actors/web/report_input.h"
#include "runtime/store/ledger_reader.h"

namespace assay::cli {

// One line of eval/step_N/<source>/samples.jsonl; failed checks are added to the verdict's reason.
struct Sample {
  std::string prompt_id, prompt, reference;
  std::uint64_t index = 0;
  web::JudgedText judged;
};

// Errors: those of reading a file; kCorrupt naming the line.
Result<std::vector<Sample>> read_samples(const std::string& path);

// The prompts of one source that rose most (beyond chance, so at least a quarter of their
// completions), that fell most, and that nobody ever solved; at most `count` of each.
std::vector<web::ComparedPrompt> compare_prompts(const std::string& source,
                                                 const std::vector<Sample>& before,
                                                 const std::vector<Sample>& after,
                                                 std::size_t count);

// Verdicts by code, the commonest before training first. Adds to `counts`.
void count_verdicts(const std::vector<Sample>& before, const std::vector<Sample>& after,
                    std::vector<web::VerdictCount>& counts);

// A rollout of training with all that its choice depends on.
struct TrainedRollout {
  wire::Rollout rollout;
  wire::Verdict verdict;
  wire::Prompt prompt;
  std::optional<double> advantage;
};

// Those whose verdicts most deserve a second opinion: unscored ones, right answers with a failed
// check, those without an answer, wrong ones the policy was sure of, and a right one to compare
// with. At most two of each kind, none with the words of another of its group.
std::vector<web::InspectedRollout> choose_rollouts(std::uint64_t step,
                                                   const std::vector<TrainedRollout>& rollouts);

// Fills `verdicts`, `compared` and `rollouts` of the report from the folder of a run that made
// `steps` updates.
void add_samples(const RunSetup& setup, const store::RunPaths& paths, std::uint64_t steps,
                 web::ReportInput& report);

}  // namespace assay::cli

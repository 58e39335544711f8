// Everything the report says, as plain numbers and text: filled by the run, kept beside the report
// as report/report_input.json, and enough to draw the report again later.
//
// A value that was not measured is absent, never 0. Rates are fractions. Texts that came from a
// model or a dataset are untrusted; whoever shows them escapes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/algo/control.h"
#include "runtime/algo/evaluation.h"
#include "runtime/algo/health.h"

namespace assay::web {

// One source of evaluation prompts.
struct ReportSource {
  std::string name;         // as in the config, e.g. "in_range"
  std::string title;        // for people, e.g. "as long as trained on (2 to 5 steps)"
  bool is_shifted = false;  // true: off the training distribution
  // The mean of a mixed evaluation or the only source: carries the verdict sentence. One at most;
  // without one the first source carries it.
  bool is_headline = false;
  algo::SourceEvaluation evaluation;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("name", self.name, "title", self.title, "is_shifted", self.is_shifted, "is_headline",
             self.is_headline, "evaluation", self.evaluation);
  }
};

// One update of training.
struct LearningPoint {
  std::uint64_t step = 0;
  std::optional<double> reward_mean;           // of scored rollouts
  std::optional<double> zero_signal_fraction;  // of groups
  std::optional<double> all_correct_fraction;  // of groups
  std::optional<double> all_wrong_fraction;    // of groups
  std::optional<double> entropy;               // nats a token
  std::optional<double> kl_behaviour;          // k3, proximal against behaviour
  std::optional<double> clip_low_fraction, clip_high_fraction;
  std::optional<double> ess;
  std::optional<double> grad_norm;
  std::optional<double> length_mean;  // tokens a completion
  std::optional<double> staleness_mean;
  std::optional<double> chain_fraction;  // completions that show their work
  std::optional<double> eval_pass_1;     // where an evaluation was made at this step

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("step", self.step, "reward_mean", self.reward_mean, "zero_signal_fraction",
             self.zero_signal_fraction, "all_correct_fraction", self.all_correct_fraction,
             "all_wrong_fraction", self.all_wrong_fraction, "entropy", self.entropy, "kl_behaviour",
             self.kl_behaviour, "clip_low_fraction", self.clip_low_fraction, "clip_high_fraction",
             self.clip_high_fraction, "ess", self.ess, "grad_norm", self.grad_norm, "length_mean",
             self.length_mean, "staleness_mean", self.staleness_mean, "chain_fraction",
             self.chain_fraction, "eval_pass_1", self.eval_pass_1);
  }
};

// What a control arm did to one source.
struct ControlSource {
  std::string source;  // ReportSource::name
  algo::ControlFinding finding;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("source", self.source, "finding", self.finding);
  }
};

// One control arm: the same steps from the same base, with rewards that say nothing.
struct ReportControl {
  std::string arm;                      // "random_permute", ...
  std::vector<ControlSource> sources;   // the headline source first
  std::vector<LearningPoint> learning;  // reward_mean is the true one, before the control's change

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("arm", self.arm, "sources", self.sources, "learning", self.learning);
  }
};

struct WallSeconds {
  double total = 0;
  double sft = 0;  // supervised warm-up
  double base_eval = 0;
  double rl = 0;
  double final_eval = 0;
  double control = 0;  // every control arm, its evaluation included
  bool is_sft_cached = false;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("total", self.total, "sft", self.sft, "base_eval", self.base_eval, "rl", self.rl,
             "final_eval", self.final_eval, "control", self.control, "is_sft_cached",
             self.is_sft_cached);
  }
};

// Where the time of the RL stage went, e.g. "generate" 21.4.
struct TimeShare {
  std::string name;
  double seconds = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("name", self.name, "seconds", self.seconds);
  }
};

struct ReportStaleness {
  std::uint64_t bound = 0;
  std::vector<std::uint64_t> histogram;  // [bound + 1], rollouts trained at that staleness
  std::uint64_t overflow = 0;            // above the bound: a broken invariant

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("bound", self.bound, "histogram", self.histogram, "overflow", self.overflow);
  }
};

struct DropCount {
  std::string reason;  // from the closed list
  std::uint64_t count = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("reason", self.reason, "count", self.count);
  }
};

// In groups: issued = consumed + dropped + open.
struct ReportAccounting {
  std::uint64_t issued = 0;
  std::uint64_t consumed = 0;
  std::vector<DropCount> dropped;
  std::uint64_t open = 0;
  std::uint64_t unscored_rollouts = 0;
  std::uint64_t tripped_rollouts = 0;  // in quarantine.jsonl, as far as that has room

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("issued", self.issued, "consumed", self.consumed, "dropped", self.dropped, "open",
             self.open, "unscored_rollouts", self.unscored_rollouts, "tripped_rollouts",
             self.tripped_rollouts);
  }
};

struct ReportThroughput {
  std::optional<double> rollouts_per_s;
  std::optional<double> generated_tokens_per_s;
  std::optional<double> trained_tokens_per_s;
  std::optional<double> peak_memory_bytes;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("rollouts_per_s", self.rollouts_per_s, "generated_tokens_per_s",
             self.generated_tokens_per_s, "trained_tokens_per_s", self.trained_tokens_per_s,
             "peak_memory_bytes", self.peak_memory_bytes);
  }
};

// What the policy wrote once, and what its judge made of it. Untrusted text.
struct JudgedText {
  std::string completion;
  std::string outcome;  // "correct", "incorrect", "unscored"
  std::string code;     // VerdictCode, e.g. "wrong_answer"
  std::string reason;   // the verifier's sentence

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("completion", self.completion, "outcome", self.outcome, "code", self.code, "reason",
             self.reason);
  }
};

// An evaluation prompt before and after training: how often it was solved, and one completion of
// each side of the commoner kind.
struct ComparedPrompt {
  std::string source, prompt, reference;
  std::uint64_t before_correct = 0, before_scored = 0;
  std::uint64_t after_correct = 0, after_scored = 0;
  JudgedText before, after;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("source", self.source, "prompt", self.prompt, "reference", self.reference,
             "before_correct", self.before_correct, "before_scored", self.before_scored,
             "after_correct", self.after_correct, "after_scored", self.after_scored, "before",
             self.before, "after", self.after);
  }
};

// How many completions of the evaluation got a verdict of this code.
struct VerdictCount {
  std::string code;
  std::uint64_t before = 0, after = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("code", self.code, "before", self.before, "after", self.after);
  }
};

// CPU seconds of this process, user and system together.
struct ReportCpu {
  std::optional<double> total_s;
  std::optional<double> engine_s;  // inside the policy engine: warm-up, drawing, updates
  // Everything else, as a share of the total: actors, codec, ledger, verifiers, statistics, report.
  std::optional<double> orchestration_fraction;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("total_s", self.total_s, "engine_s", self.engine_s, "orchestration_fraction",
             self.orchestration_fraction);
  }
};

// A rollout of training worth a look.
struct InspectedRollout {
  std::string id;
  std::string why;  // what makes it worth a look, e.g. "right answer, wrong chain"
  std::uint64_t step = 0;
  std::string prompt, reference;
  JudgedText judged;
  std::optional<double> reward, advantage;
  std::uint64_t version_first = 0, version_last = 0;  // policy versions of its tokens

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("id", self.id, "why", self.why, "step", self.step, "prompt", self.prompt, "reference",
             self.reference, "judged", self.judged, "reward", self.reward, "advantage",
             self.advantage, "version_first", self.version_first, "version_last",
             self.version_last);
  }
};

// Where the numbers come from. Shown as name and value, in order; an empty value shows as a dash.
struct ProvenanceFact {
  std::string name;  // e.g. "weights after training"
  std::string value;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("name", self.name, "value", self.value);
  }
};

struct ReportInput {
  std::string run;
  std::string command;  // exactly as typed
  std::string config_sha256;
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;
  bool is_deterministic = false;
  std::vector<ProvenanceFact> provenance;  // versions, machine, digests of data and weights, ...

  WallSeconds wall;
  std::vector<ReportSource> sources;
  std::vector<LearningPoint> learning;
  std::vector<ReportControl> controls;
  std::vector<algo::HealthAlert> alerts;
  ReportStaleness staleness;
  std::vector<TimeShare> time_split;
  ReportAccounting accounting;
  ReportThroughput throughput;
  ReportCpu cpu;
  std::vector<VerdictCount> verdicts;
  std::vector<ComparedPrompt> compared;
  std::vector<InspectedRollout> rollouts;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("run", self.run, "command", self.command, "config_sha256", self.config_sha256, "seed",
             self.seed, "steps", self.steps, "is_deterministic", self.is_deterministic,
             "provenance", self.provenance, "wall", self.wall, "sources", self.sources, "learning",
             self.learning, "controls", self.controls, "alerts", self.alerts, "staleness",
             self.staleness, "time_split", self.time_split, "accounting", self.accounting,
             "throughput", self.throughput, "cpu", self.cpu, "verdicts", self.verdicts, "compared",
             self.compared, "rollouts", self.rollouts);
  }
};

}  // namespace assay::web

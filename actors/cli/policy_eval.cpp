#include "actors/cli/policy_eval.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <unordered_map>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/core/limits.h"

namespace assay::cli {

namespace {

using nlohmann::json;

// The answer a completion votes for: what stands after its last separator.
std::string final_answer(const std::string& completion) {
  const std::size_t place = completion.find_last_of(";=");
  return place == std::string::npos ? completion : completion.substr(place + 1);
}

class Counter {
 public:
  Counter(const EvalSet& set, std::size_t prompts) : set_(set), results_(prompts) {
    for (std::size_t i = 0; i < prompts; ++i) {
      results_[i].prompt = to_string(set.prompts[i].id);
      results_[i].stratum = set.prompts[i].stratum;
      if (set.is_procedural) results_[i].chain_correct = 0;
    }
  }

  void count(std::size_t index, const std::string& completion, const wire::Verdict& verdict) {
    algo::EvaluatedPrompt& result = results_[index];
    if (!verdict.is_scored()) {
      ++result.unscored;
      return;
    }
    ++result.n;
    const bool is_correct = verdict.outcome == wire::Outcome::kCorrect;
    if (is_correct) ++result.correct;
    for (const wire::Check& check : verdict.checks) {
      // A verifier that runs queries names what they returned; nothing casts no vote.
      if (check.name == "result") vote(result, check.reason, is_correct);
      if (check.name == "chain" && check.is_passed && is_correct && result.chain_correct) {
        ++*result.chain_correct;
      }
    }
    // What cannot be read as an answer casts no vote.
    const bool has_answer = is_correct || verdict.code == wire::VerdictCode::kWrongAnswer;
    if (set_.is_procedural) vote(result, has_answer ? final_answer(completion) : "", is_correct);
  }

  std::vector<algo::EvaluatedPrompt> take() { return std::move(results_); }

 private:
  static void vote(algo::EvaluatedPrompt& result, const std::string& answer, bool is_correct) {
    for (algo::AnswerClass& known : result.answers) {
      if (known.answer == answer && known.is_correct == is_correct) {
        ++known.count;
        return;
      }
    }
    result.answers.push_back({answer, 1, is_correct});
  }

  const EvalSet& set_;
  std::vector<algo::EvaluatedPrompt> results_;
};

std::string sample_line(const wire::Prompt& prompt, const wire::Rollout& rollout,
                        const wire::Verdict& verdict) {
  json checks = json::array();
  for (const wire::Check& check : verdict.checks) {
    checks.push_back(
        {{"name", check.name}, {"is_passed", check.is_passed}, {"reason", check.reason}});
  }
  const json line = {{"prompt_id", to_string(prompt.id)},
                     {"stratum", prompt.stratum},
                     {"prompt", prompt.text},
                     {"reference", prompt.reference},
                     {"index", rollout.id.index},
                     {"completion", rollout.completion},
                     {"is_truncated", rollout.finish == wire::FinishReason::kLength},
                     {"verdict", wire::to_string(verdict.outcome)},
                     {"code", wire::to_string(verdict.code)},
                     {"reason", verdict.reason},
                     {"checks", std::move(checks)}};
  return json_text(line) + "\n";
}

// A completion that was cut off has not given its answer, even where the part before the cut reads
// like one: "The answer is 4" may have been 42.
wire::Verdict judge(const verifiers::Verifier& verifier, const wire::Prompt& prompt,
                    const wire::Rollout& rollout) {
  wire::Verdict verdict = verifier.verify(prompt, rollout.completion);
  if (rollout.finish != wire::FinishReason::kLength || verdict.outcome != wire::Outcome::kCorrect) {
    return verdict;
  }
  return wire::Verdict::incorrect(
      wire::VerdictCode::kOutputLimit,
      "cut off after " + std::to_string(rollout.completion_tokens.size()) + " tokens");
}

// Groups of an evaluation are named by prompt and seed: drawing again gives the same tokens.
GroupId eval_group(const wire::Prompt& prompt, std::uint64_t seed) {
  return derive_group_id({seed, "evaluation", 0, prompt.row, 0}, prompt.id);
}

Result<void> submit_all(const RunSetup& setup, const EvalSet& set, const EvalRequest& request,
                        std::size_t prompts, gpu::Generator& generator,
                        std::unordered_map<GroupId, std::size_t>& places) {
  for (std::size_t i = 0; i < prompts; ++i) {
    const wire::Prompt& prompt = set.prompts[i];
    Result<std::vector<text::TokenId>> tokens = setup.tokenizer->encode(prompt.text);
    if (!tokens) return tokens.error();
    gpu::GenerationRequest group;
    group.group = eval_group(prompt, request.seed);
    group.prompt = prompt.id;
    group.prompt_tokens = std::move(*tokens);
    group.sampling = setup.config.generator.sampling;
    for (std::uint32_t k = 0; k < request.samples; ++k) {
      group.indices.push_back(k);
      group.seeds.push_back(derive_sampling_seed(request.seed, {group.group, k}));
    }
    places[group.group] = i;
    if (auto done = generator.submit(std::move(group)); !done) return done.error();
  }
  return {};
}

}  // namespace

Result<std::vector<algo::EvaluatedPrompt>> evaluate_set(
    const RunSetup& setup, const std::shared_ptr<const gpu::Weights>& weights, const EvalSet& set,
    const EvalRequest& request, const std::function<void(const EvalProgress&)>& progress,
    const std::atomic<bool>& interrupt) {
  const std::size_t prompts = request.prompts_max > 0
                                  ? std::min<std::size_t>(request.prompts_max, set.prompts.size())
                                  : set.prompts.size();
  const gpu::GeneratorOptions options{
      std::max<std::size_t>(setup.config.generator.max_sequences, 256),
      setup.config.generator.cache_bytes.bytes};
  Result<std::unique_ptr<gpu::Generator>> generator =
      gpu::make_generator(setup.backend, weights, options);
  if (!generator) return generator.error();
  std::unordered_map<GroupId, std::size_t> places;
  if (auto done = submit_all(setup, set, request, prompts, **generator, places); !done) {
    return done.error();
  }
  Counter counter(set, prompts);
  std::string samples;
  EvalProgress shown{set.settings.source.name, 0, std::uint64_t{request.samples} * prompts};
  while (shown.done < shown.total) {
    if (interrupt)
      return Error{ErrorCode::kUnavailable, "the evaluation was interrupted", {}, {}, {}};
    Result<std::vector<wire::Rollout>> drawn = (*generator)->advance();
    if (!drawn) return drawn.error();
    for (wire::Rollout& rollout : *drawn) {
      rollout.completion = setup.tokenizer->decode(rollout.completion_tokens);
      const std::size_t place = places.at(rollout.id.group);
      const wire::Prompt& prompt = set.prompts[place];
      const wire::Verdict verdict = judge(*setup.verifiers.at(prompt.verifier), prompt, rollout);
      counter.count(place, rollout.completion, verdict);
      if (!request.samples_path.empty()) {
        samples += sample_line(prompt, rollout, verdict);
      }
      ++shown.done;
    }
    if (!drawn->empty()) progress(shown);
  }
  if (!request.samples_path.empty()) {
    if (auto written = write_file_durably(request.samples_path, samples); !written) {
      return written.error();
    }
  }
  return counter.take();
}

EvalSet training_sample(const RunSetup& setup, std::uint64_t prompts_max) {
  EvalSet set;
  set.settings.source.name = "the training prompts";
  const std::uint64_t count = std::min(prompts_max, setup.prompts->prompts_per_epoch());
  for (std::uint64_t i = 0; i < count; ++i) set.prompts.push_back(setup.prompts->prompt(0, i));
  return set;
}

Result<void> write_results(const std::string& path,
                           const std::vector<algo::EvaluatedPrompt>& results) {
  json prompts = json::array();
  for (const algo::EvaluatedPrompt& one : results) {
    json answers = json::array();
    for (const algo::AnswerClass& answer : one.answers) {
      answers.push_back(
          {{"answer", answer.answer}, {"count", answer.count}, {"is_correct", answer.is_correct}});
    }
    prompts.push_back(
        {{"prompt", one.prompt},
         {"stratum", one.stratum},
         {"n", one.n},
         {"correct", one.correct},
         {"chain_correct", one.chain_correct ? json(*one.chain_correct) : json(nullptr)},
         {"unscored", one.unscored},
         {"answers", std::move(answers)}});
  }
  const json document = {{"assay", 1}, {"prompts", std::move(prompts)}};
  return write_file_durably(path, json_text(document, 1));
}

Result<std::vector<algo::EvaluatedPrompt>> read_results(const std::string& path) {
  Result<std::string> text = read_file(path, 512 * limits::kMiB);
  if (!text) return text.error();
  const Error broken{ErrorCode::kCorrupt,
                     path + " is not a results file of assay",
                     "delete it and run again with --resume",
                     {},
                     {}};
  std::vector<algo::EvaluatedPrompt> results;
  try {
    const json document = parse_json(*text);
    for (const json& one : document.at("prompts")) {
      algo::EvaluatedPrompt result;
      result.prompt = one.at("prompt").get<std::string>();
      result.stratum = one.at("stratum").get<std::string>();
      result.n = one.at("n").get<std::uint64_t>();
      result.correct = one.at("correct").get<std::uint64_t>();
      if (!one.at("chain_correct").is_null()) {
        result.chain_correct = one.at("chain_correct").get<std::uint64_t>();
      }
      result.unscored = one.at("unscored").get<std::uint64_t>();
      for (const json& answer : one.at("answers")) {
        result.answers.push_back({answer.at("answer").get<std::string>(),
                                  answer.at("count").get<std::uint32_t>(),
                                  answer.at("is_correct").get<bool>()});
      }
      results.push_back(std::move(result));
    }
  } catch (const json::exception&) {
    return broken;
  }
  return results;
}

std::optional<double> pass_at_1(const std::vector<algo::EvaluatedPrompt>& results) {
  double sum = 0;
  std::uint64_t scored = 0;
  for (const algo::EvaluatedPrompt& one : results) {
    if (one.n == 0) continue;
    sum += static_cast<double>(one.correct) / static_cast<double>(one.n);
    ++scored;
  }
  return scored > 0 ? std::optional(sum / static_cast<double>(scored)) : std::nullopt;
}

double correct_fraction(const std::vector<algo::EvaluatedPrompt>& results) {
  double correct = 0, count = 0;
  for (const algo::EvaluatedPrompt& prompt : results) {
    correct += static_cast<double>(prompt.correct);
    count += static_cast<double>(prompt.n);
  }
  return count == 0 ? 0.5 : correct / count;
}

algo::EvaluationOptions evaluation_options(const EvalSet& set, std::uint64_t seed) {
  algo::EvaluationOptions options;
  options.ks = set.settings.ks;
  if (std::find(options.ks.begin(), options.ks.end(), options.headline_k) == options.ks.end()) {
    options.headline_k = options.ks.back();
  }
  options.guess_chance = set.guess_chance;
  options.is_clustered = set.settings.is_clustered;
  options.bootstrap.seed = seed;
  return options;
}

}  // namespace assay::cli

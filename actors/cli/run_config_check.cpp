#include "actors/cli/run_config_check.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "runtime/algo/policy_loss.h"
#include "runtime/config/nearest.h"

namespace assay::cli {
namespace {

// Rules that hold between keys. Each names the key to change.
class Checker {
 public:
  explicit Checker(const LoadedConfig& loaded) : run_(loaded.run), resolved_(loaded.resolved) {}

  Result<void> check() {
    check_group();
    check_model();
    check_algorithm();
    check_chain(run_.sft.chain, "sft");
    check_verifiers();
    for (std::size_t i = 0; i < run_.curator.train.size(); ++i) {
      check_source(run_.curator.train[i], "curator.train.source[" + std::to_string(i) + "]");
    }
    for (std::size_t i = 0; i < run_.curator.eval.size(); ++i) {
      check_eval(run_.curator.eval[i], "curator.eval.source[" + std::to_string(i) + "]");
    }
    if (first_) return *first_;
    return {};
  }

 private:
  void demand(bool holds, std::string_view id, const std::string& key, std::string message,
              std::string remedy) {
    if (holds || first_) return;
    const config::ResolvedValue* value = resolved_.find(key);
    std::string place = value == nullptr || value->place.empty() ? "" : value->place;
    first_ = Error{ErrorCode::kInvalidInput, "`" + key + "` " + std::move(message),
                   std::move(remedy), std::move(place), std::string(id)};
  }

  // The rooms below name the option first, by the key it has here.
  void demand_valid(const std::string& table, const Result<void>& checked) {
    if (checked) return;
    const std::string& message = checked.error().message;
    const std::size_t space = message.find(' ');
    demand(false, "E111", table + "." + message.substr(0, space), message.substr(space + 1),
           checked.error().remedy);
  }

  void check_group() {
    demand(run_.curator.group_size >= 2, "E110", "curator.group_size",
           "= " + std::to_string(run_.curator.group_size) + " cannot teach",
           "needs >= 2: the baseline is the group mean");
  }

  void check_model() {
    const model::ModelConfig& shape = run_.model.shape;
    demand(shape.head_count % shape.kv_head_count == 0, "E111", "model.kv_heads",
           "does not divide model.heads", "every key and value head serves as many query heads");
    demand(shape.head_size % 2 == 0, "E111", "model.head_size", "is odd",
           "rotary positions turn pairs of numbers");
    demand(run_.generator.sampling.max_completion_tokens < run_.seq_len, "E111",
           "generator.sampling.max_completion_tokens",
           "leaves no room for a prompt in seq_len = " + std::to_string(run_.seq_len),
           "raise seq_len or lower max_completion_tokens");
    demand(
        run_.tokenizer.type != TokenizerSettings::Type::kChar || !run_.tokenizer.alphabet.empty(),
        "E111", "tokenizer.alphabet", "is empty", "list the characters, or use type = \"byte\"");
  }

  void check_algorithm() {
    demand_valid("algo", algo::check_advantage_options(advantage_options(run_.algo)));
    demand_valid("algo", algo::check_loss_options(run_.algo.loss));
    demand(run_.generator.sampling.temperature > 0, "E111", "generator.sampling.temperature",
           "= 0 draws the same completion every time, and a group of equals teaches nothing",
           "use 1.0");
  }

  void check_chain(const ChainSettings& chain, const std::string& table) {
    demand(chain.operands_min <= chain.operands_max, "E111", table + ".operands_min",
           "is above operands_max", "swap them");
    const std::size_t counts = std::size_t{chain.operands_max} - chain.operands_min + 1;
    demand(chain.operand_weights.empty() || chain.operand_weights.size() == counts, "E111",
           table + ".operand_weights",
           "has " + std::to_string(chain.operand_weights.size()) + " weights for " +
               std::to_string(counts) + " operand counts",
           "one weight for each count from operands_min to operands_max");
  }

  // Names of workers and of their log files are made from it.
  static bool is_pool_name(const std::string& name) {
    const auto is_plain = [](unsigned char letter) {
      return std::isalnum(letter) != 0 || letter == '_' || letter == '-' || letter == '.';
    };
    return name != "generator" && name != "learner" &&
           std::all_of(name.begin(), name.end(), is_plain);
  }

  void check_verifiers() {
    for (std::size_t i = 0; i < run_.verifiers.size(); ++i) {
      const std::string table = "verifier[" + std::to_string(i) + "]";
      const std::string& name = run_.verifiers[i].name;
      demand(!name.empty(), "E111", table + ".name", "is missing", "name it: name = \"math\"");
      demand(is_pool_name(name), "E111", table + ".name", "`" + name + "` cannot name a pool",
             "use letters, digits, '_', '-' and '.', and neither generator nor learner");
      demand(!run_.verifiers[i].type.empty(), "E111", table + ".type", "is missing",
             "say which: type = \"math\"");
      const bool is_new =
          std::find(verifier_names_.begin(), verifier_names_.end(), name) == verifier_names_.end();
      demand(is_new, "E111", table + ".name", "`" + name + "` is taken", "give each its own name");
      verifier_names_.push_back(name);
    }
  }

  void check_source(const SourceSettings& source, const std::string& table) {
    demand(!source.name.empty(), "E111", table + ".name", "is missing",
           "name it: name = \"gsm8k\"");
    demand(source.path.empty() != source.task.empty(), "E111", table + ".path",
           source.path.empty() ? "and its task are both missing" : "and its task are both set",
           "give path = \"FILE.jsonl\" or task = \"arithmetic\"");
    const bool is_known = std::find(verifier_names_.begin(), verifier_names_.end(),
                                    source.verifier) != verifier_names_.end();
    const auto near = config::nearest_name(source.verifier, verifier_names_);
    demand(is_known, "E111", table + ".verifier",
           "names no [[verifier]]: `" + source.verifier + "`",
           near ? "did you mean `" + *near + "`?"
                : "add a [[verifier]] with that name, or set verifier to one that exists");
    check_chain(source.chain, table);
  }

  void check_eval(const EvalSourceSettings& eval, const std::string& table) {
    check_source(eval.source, table);
    for (const std::uint32_t k : eval.ks) {
      demand(k <= eval.samples, "E111", table + ".ks",
             "holds k = " + std::to_string(k) + ", more than the " + std::to_string(eval.samples) +
                 " samples drawn",
             "raise samples or drop that k");
    }
  }

  const RunConfig& run_;
  const config::Resolved& resolved_;
  std::vector<std::string> verifier_names_;
  std::optional<Error> first_;
};

}  // namespace

Result<void> check_run_config(const LoadedConfig& loaded) {
  return Checker(loaded).check();
}

}  // namespace assay::cli

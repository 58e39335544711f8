#include "verifiers/python/python_verifier.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "verifiers/option_reader.h"
#include "verifiers/python/python_worker.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

using wire::Verdict;
using wire::VerdictCode;

constexpr std::size_t kSourceBytesMax = limits::kMiB;

class PythonVerifier final : public Verifier {
 public:
  PythonVerifier(std::unique_ptr<PythonPool> pool, const PythonOptions& options,
                 std::string identity, double threshold)
      : pool_(std::move(pool)),
        options_(options),
        identity_(std::move(identity)),
        threshold_(threshold) {}

  std::string identity() const override { return identity_; }
  std::vector<std::string> side_effects() const override { return pool_->side_effects(); }

  // A batch hangs, its worker is replaced, the item that hung is asked alone.
  std::chrono::milliseconds longest_check() const override {
    return 2 * options_.time_limit + options_.start_limit;
  }

  Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    const Judgement item{&prompt, completion};
    Verdict given;
    verify_all({&item, 1}, [&](Verdict verdict) { given = std::move(verdict); });
    return given;
  }

  void verify_all(std::span<const Judgement> items, const VerdictSink& sink) const override {
    const auto is_too_long = [](const Judgement& item) {
      return item.completion.size() > limits::kCompletionBytesMax;
    };
    while (!items.empty()) {
      const auto end = std::find_if(items.begin(), items.end(), is_too_long);
      auto item = items.begin();
      pool_->ask({items.begin(), end}, [&](PythonAnswer answer) {
        Verdict verdict = to_verdict(std::move(answer));
        verdict.isolation = pool_->isolation();
        sink(stamped(std::move(verdict), identity_, (item++)->completion));
      });
      items = {end, items.end()};
      if (items.empty()) break;
      sink(stamped(too_long(items.front().completion), identity_, items.front().completion));
      items = items.subspan(1);
    }
  }

 private:
  static Verdict too_long(std::string_view completion) {
    return Verdict::incorrect(VerdictCode::kOutputLimit,
                              "the completion has " + std::to_string(completion.size()) +
                                  " bytes, more than " +
                                  std::to_string(limits::kCompletionBytesMax));
  }

  Verdict to_verdict(PythonAnswer answer) const {
    using Kind = PythonAnswer::Kind;
    switch (answer.kind) {
      case Kind::kScored:
        return scored(std::move(answer));
      case Kind::kAbstained:
        return Verdict::unscored(VerdictCode::kUndecided, "the function has no opinion");
      case Kind::kRaised:
        return Verdict::unscored(VerdictCode::kInternalError,
                                 options_.function + "() raised " + answer.reason);
      case Kind::kHung:
        return Verdict::unscored(VerdictCode::kJudgeUnavailable,
                                 options_.function + "() took more than " +
                                     std::to_string(options_.time_limit.count()) + " ms");
      case Kind::kDied:
        break;
    }
    return Verdict::unscored(VerdictCode::kJudgeUnavailable,
                             "the worker of " + options_.function + "() died" +
                                 (answer.reason.empty() ? "" : ": " + answer.reason));
  }

  Verdict scored(PythonAnswer answer) const {
    const bool is_correct = answer.is_passed.value_or(answer.score >= threshold_);
    std::string reason = answer.reason.empty()
                             ? options_.function + "() gives " + number(answer.score)
                             : std::move(answer.reason);
    return is_correct
               ? Verdict::correct(std::move(reason), answer.score)
               : Verdict::incorrect(VerdictCode::kWrongAnswer, std::move(reason), answer.score);
  }

  static std::string number(double score) {
    std::string text = std::to_string(score);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
  }

  std::unique_ptr<PythonPool> pool_;
  PythonOptions options_;
  std::string identity_;
  double threshold_;
};

// "verifier.py:has_box" names a function of the file; without one it is verify().
void split_function(PythonOptions& options) {
  const std::size_t colon = options.path.rfind(':');
  if (colon == std::string::npos || options.path.find('/', colon) != std::string::npos) return;
  options.function = options.path.substr(colon + 1);
  options.path.resize(colon);
}

}  // namespace

Result<std::unique_ptr<Verifier>> make_python_verifier(const VerifierContext& context,
                                                       std::string_view options_json) {
  OptionReader reader("python", options_json);
  PythonOptions options;
  options.path = reader.read_text("path", "");
  options.interpreter = reader.read_text("interpreter", options.interpreter);
  options.memory_bytes =
      static_cast<std::size_t>(reader.read_integer("memory_mb", 1024, 0, 1 << 20)) * limits::kMiB;
  const double limit_s = context.time_limit.count() > 0
                             ? std::chrono::duration<double>(context.time_limit).count()
                             : 5.0;
  options.time_limit = std::chrono::milliseconds(
      static_cast<std::int64_t>(1000 * reader.read_number("timeout_s", limit_s, 0.01, 3600)));
  options.start_limit = std::chrono::milliseconds(
      static_cast<std::int64_t>(1000 * reader.read_number("start_timeout_s", 5, 0.1, 3600)));
  options.watches_effects = context.watches_effects;
  options.is_fenced = reader.read_bool("sandbox", true);
  const double threshold = reader.read_number("threshold", 0.5, 0, 1);
  if (options.path.empty()) {
    reader.refuse("it has no `path`", "name the file: path = \"verifier.py\"");
  }
  if (auto finished = reader.finish(); !finished) return finished.error();
  split_function(options);
  if (!options.path.starts_with('/')) options.path = context.folder + "/" + options.path;
  const Result<std::string> source = read_file(options.path, kSourceBytesMax);
  if (!source) {
    return Error{ErrorCode::kNotFound,
                 "the verifier " + options.path + " cannot be read: " + source.error().message,
                 "name a Python file: path = \"verifier.py\"", "", "E401"};
  }
  auto pool = PythonPool::create(options);
  if (!pool) return pool.error();
  // The file's hash is its version: a verdict of another text of the file is another judge's.
  std::string identity = "python/1:" + options.function + ":" + sha256(*source).short_hex();
  return std::unique_ptr<Verifier>(
      std::make_unique<PythonVerifier>(std::move(*pool), options, std::move(identity), threshold));
}

}  // namespace assay::verifiers

#include "verifiers/python/python_worker.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include "runtime/core/json.h"
#include "runtime/core/limits.h"
#include "verifiers/python/worker_source.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kAnswerBytesMax = 16 * limits::kMiB;

SteadyTime in(std::chrono::milliseconds time) {
  return SystemClock().now() + time;
}

Error import_error(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", "E401"};
}

// The program of that name in PATH; the name itself where it is a path already.
std::string program_of(const std::string& interpreter) {
  if (interpreter.find('/') != std::string::npos) return interpreter;
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  for (std::size_t start = 0; start <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', start), folders.size());
    std::string program = folders.substr(start, end - start) + "/" + interpreter;
    if (::access(program.c_str(), X_OK) == 0) return program;
    start = end + 1;
  }
  return interpreter;
}

Json columns_of(const wire::Prompt& prompt) {
  Json columns = prompt.columns.empty() ? Json::object() : parse_json(prompt.columns);
  return columns.is_object() ? columns : Json::object();
}

Result<sandbox::ChildProcess> start_process(const std::string& program, bool is_fenced) {
  std::vector<std::string> args = {"-B", "-c", std::string(python_worker_source())};
  if (!is_fenced) return sandbox::ChildProcess::start(program, args);
  // Behind the fence nobody could say so.
  if (::access(program.c_str(), X_OK) != 0) return errno_error("start", program);
  const Result<std::string> fence = sandbox::find_companion("assay-fence");
  if (!fence) return fence.error();
  args.insert(args.begin(), program);
  return sandbox::ChildProcess::start(*fence, args);
}

std::string request_for(std::span<const Judgement> items) {
  Json list = Json::array();
  for (const Judgement& item : items) {
    list.push_back({{"source", item.prompt->source},
                    {"prompt", item.prompt->text},
                    {"completion", std::string(item.completion)},
                    {"answer", item.prompt->reference},
                    {"columns", columns_of(*item.prompt)}});
  }
  return json_text(Json{{"items", std::move(list)}});
}

PythonAnswer failed(PythonAnswer::Kind kind, std::string reason) {
  PythonAnswer answer;
  answer.kind = kind;
  answer.reason = std::move(reason);
  return answer;
}

// The function runs in the worker's process and may have written to the channel itself.
PythonAnswer read_answer(const Json& verdict) {
  using Kind = PythonAnswer::Kind;
  if (!verdict.is_object()) return failed(Kind::kRaised, "the worker's answer is no verdict");
  if (verdict.contains("error")) return failed(Kind::kRaised, verdict.value("error", ""));
  if (verdict.contains("abstains")) return failed(Kind::kAbstained, "");
  const auto score = verdict.find("score");
  const bool is_score = score != verdict.end() && score->is_number() && *score >= 0 && *score <= 1;
  if (!is_score) return failed(Kind::kRaised, "the worker's answer has no score");
  PythonAnswer answer = failed(Kind::kScored, verdict.value("reason", ""));
  answer.score = score->get<double>();
  if (verdict.contains("pass")) answer.is_passed = verdict.value("pass", false);
  return answer;
}

// The answers of one frame: at least one, at most `count`. Nothing when the frame is none of ours.
std::vector<PythonAnswer> read_answers(const std::string& frame, std::size_t count) {
  const Json document = parse_json(frame);
  if (!document.is_object() || !document.contains("verdicts")) return {};
  const Json& verdicts = document["verdicts"];
  if (!verdicts.is_array() || verdicts.size() > count) return {};
  std::vector<PythonAnswer> answers;
  try {
    for (const Json& verdict : verdicts) answers.push_back(read_answer(verdict));
  } catch (const Json::exception&) {  // a member of a wrong type
    return {};
  }
  return answers;
}

// As many as a worker can tell of, each cut to a line for people.
void add_effects(const std::string& frame, std::vector<std::string>& effects) {
  constexpr std::size_t kEffectsMax = 32, kEffectBytesMax = 200;
  const Json document = parse_json(frame);
  const auto told = document.find("effects");
  if (told == document.end() || !told->is_array()) return;
  for (const Json& one : *told) {
    if (!one.is_string() || effects.size() >= kEffectsMax) continue;
    effects.push_back(one.get<std::string>().substr(0, kEffectBytesMax));
  }
}

}  // namespace

Result<PythonWorker> PythonWorker::start(const PythonOptions& options) {
  const std::string program = program_of(options.interpreter);
  Result<sandbox::ChildProcess> process = start_process(program, options.is_fenced);
  if (!process) {
    return import_error(
        "the interpreter " + program + " cannot be started: " + process.error().message,
        "install python3, or set the verifier's option `interpreter`");
  }
  PythonWorker worker(std::move(*process), options);
  worker.import_deadline_ = in(options.start_limit);
  const Json setup = {{"path", options.path},
                      {"function", options.function},
                      {"memory_bytes", options.memory_bytes},
                      {"watches", options.watches_effects}};
  // A worker that is gone already says why when its import is awaited.
  static_cast<void>(worker.process_.send(json_text(setup), worker.import_deadline_));
  return worker;
}

Result<void> PythonWorker::await_import() {
  if (is_imported_) return {};
  const std::string what = options_.path + ":" + options_.function;
  const Result<std::string> answer = process_.receive(kAnswerBytesMax, import_deadline_);
  if (!answer) {
    return import_error(
        "importing " + what + " with " + options_.interpreter + ": " + answer.error().message,
        "run `" + options_.interpreter + " " + options_.path + "` by hand");
  }
  const Json said = parse_json(*answer);
  if (!said.is_object() || !said.contains("convention")) {
    const bool has_trace = said.is_object() && said.contains("error") && said["error"].is_string();
    return import_error("the verifier " + what + " cannot be imported by " + options_.interpreter +
                            (has_trace ? ":\n" + said["error"].get<std::string>() : ""),
                        "mend the file, or name the interpreter that has its packages with the "
                        "option `interpreter`");
  }
  if (said["convention"].is_string()) convention_ = said["convention"].get<std::string>();
  if (const std::string fence = said.value("fence", ""); !fence.empty()) {
    isolation_ = "fence(" + fence + ")";
  }
  is_imported_ = true;
  return {};
}

// The next answers of at most `expected`, or what became of the item whose turn it was.
std::optional<PythonAnswer> PythonWorker::receive(std::size_t expected,
                                                  std::vector<PythonAnswer>& answers) {
  const Result<std::string> frame = process_.receive(kAnswerBytesMax, in(options_.time_limit));
  if (frame) answers = read_answers(*frame, expected);
  if (!answers.empty()) {
    if (options_.watches_effects) add_effects(*frame, side_effects_);
    return std::nullopt;
  }
  const bool is_hung = !frame && frame.error().code == ErrorCode::kTimedOut;
  return failed(is_hung ? PythonAnswer::Kind::kHung : PythonAnswer::Kind::kDied, "");
}

std::size_t PythonWorker::ask(std::span<const Judgement> items, const PythonSink& sink) {
  std::size_t done = 0;
  std::optional<PythonAnswer> end;
  if (!process_.send(request_for(items), in(options_.time_limit))) {
    end = failed(PythonAnswer::Kind::kDied, "");
  }
  while (!end && done < items.size()) {
    std::vector<PythonAnswer> answers;
    end = receive(items.size() - done, answers);
    done += answers.size();
    for (PythonAnswer& answer : answers) sink(std::move(answer));
  }
  if (!end) return done;
  is_alive_ = false;
  process_.kill();
  // With several left it may have been any of them: what the worker knew of the first ones died
  // too.
  if (items.size() - done > 1) return done;
  sink(std::move(*end));
  return done + 1;
}

Result<std::unique_ptr<PythonPool>> PythonPool::create(const PythonOptions& options) {
  std::unique_ptr<PythonPool> pool(new PythonPool(options));
  Result<PythonWorker> first = PythonWorker::start(options);
  if (!first) return first.error();
  if (auto imported = first->await_import(); !imported) return imported.error();
  pool->convention_ = first->convention();
  pool->isolation_ = first->isolation();
  pool->put_back(std::move(*first));
  pool->make_spare();
  return pool;
}

// One that cannot be started now is missed, and told of, when it is needed.
void PythonPool::make_spare() {
  Result<PythonWorker> spare = PythonWorker::start(options_);
  const std::lock_guard lock(mutex_);
  if (spare && !spare_) spare_ = std::move(*spare);
}

Result<PythonWorker> PythonPool::take() {
  std::optional<PythonWorker> worker;
  bool was_spare = false;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      worker = std::move(idle_.back());
      idle_.pop_back();
    } else if (spare_) {
      worker = std::exchange(spare_, std::nullopt);
      was_spare = true;
    }
  }
  if (was_spare) make_spare();
  if (!worker) {
    Result<PythonWorker> fresh = PythonWorker::start(options_);
    if (!fresh) return fresh.error();
    worker = std::move(*fresh);
  }
  if (auto imported = worker->await_import(); !imported) return imported.error();
  return std::move(*worker);
}

void PythonPool::put_back(PythonWorker worker) {
  const std::lock_guard lock(mutex_);
  side_effects_.insert(worker.side_effects().begin(), worker.side_effects().end());
  if (!worker.is_alive()) return;
  idle_.push_back(std::move(worker));
}

std::vector<std::string> PythonPool::side_effects() const {
  const std::lock_guard lock(mutex_);
  return {side_effects_.begin(), side_effects_.end()};
}

void PythonPool::ask(std::span<const Judgement> items, const PythonSink& sink) {
  bool is_searching = false;  // one by one, for the item that a worker died of
  while (!items.empty()) {
    Result<PythonWorker> worker = take();
    if (!worker) {
      for (std::size_t i = 0; i < items.size(); ++i) {
        sink(failed(PythonAnswer::Kind::kDied, worker.error().message));
      }
      return;
    }
    items = items.subspan(worker->ask(is_searching ? items.first(1) : items, sink));
    if (!worker->is_alive()) is_searching = !is_searching;
    put_back(std::move(*worker));
  }
}

}  // namespace assay::verifiers

#include "verifiers/code/code_task.h"

#include <utility>

#include "runtime/core/json.h"
#include "runtime/core/limits.h"
#include "runtime/core/strict_json.h"
#include "verifiers/option_reader.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kTestBytesMax = 4 * limits::kMiB;
constexpr std::size_t kIoTestsMax = 1000;

// `tests` as a list of pairs; false where it is not one.
bool read_io_tests(const Json& list, std::vector<IoTest>& tests) {
  if (!list.is_array() || list.empty() || list.size() > kIoTestsMax) return false;
  for (const Json& one : list) {
    if (!one.is_object() || one.size() != 2 || !one.contains("input") || !one.contains("output") ||
        !one["input"].is_string() || !one["output"].is_string()) {
      return false;
    }
    tests.push_back({one["input"].get<std::string>(), one["output"].get<std::string>()});
  }
  return true;
}

Result<sandbox::Limits> read_limits(const VerifierContext& context, const std::string& json) {
  OptionReader options("code limits", json.empty() ? "{}" : json);
  sandbox::Limits read;
  const double wall_s = context.time_limit.count() > 0
                            ? static_cast<double>(context.time_limit.count()) / 1000
                            : static_cast<double>(read.wall_ms) / 1000;
  read.cpu_s = static_cast<std::uint32_t>(options.read_integer("cpu_s", read.cpu_s, 1, 3600));
  read.wall_ms =
      static_cast<std::uint32_t>(1000 * options.read_number("wall_s", wall_s, 0.01, 3600));
  read.memory_bytes =
      static_cast<std::uint64_t>(options.read_integer("memory_mb", 512, 16, 1 << 16)) << 20;
  read.output_bytes = static_cast<std::uint64_t>(options.read_integer("output_kb", 64, 1, 1 << 16))
                      << 10;
  read.process_count = static_cast<std::uint32_t>(options.read_integer("pids", 16, 1, 1024));
  if (auto finished = options.finish(); !finished) return finished.error();
  return read;
}

Result<CodeTask> checked(CodeTask task) {
  if (task.language == "python" || task.tests.empty()) return task;
  return Error{ErrorCode::kInvalidInput, "the reference's tests are not of C++",
               "give a list of {\"input\", \"output\"} as tests", "", ""};
}

}  // namespace

Result<CodeTask> read_code_task(const VerifierContext& context, std::string_view options_json) {
  OptionReader options("code", options_json);
  CodeTask task;
  task.language = options.read_word("language", "python", {"python", "cpp"});
  task.entry_point = options.read_text("entry_point", "", 256);
  task.setup = options.read_text("setup", "", kTestBytesMax);
  const std::string oracle = options.read_word("oracle", "split", {"split", "same_process"});
  task.is_same_process = oracle == "same_process";
  task.has_fixed_order = options.read_word("order", "shuffled", {"shuffled", "fixed"}) == "fixed";
  task.rerun_fraction = options.read_number("rerun_fraction", task.rerun_fraction, 0, 1);
  const Json tests = parse_json(options.read_json("tests"));
  if (tests.is_array()) {
    if (!read_io_tests(tests, task.io_tests)) {
      options.refuse("the option \"tests\" is not a list of {\"input\", \"output\"}",
                     "give each test a text `input` and a text `output`");
    }
  } else {
    task.tests = options.read_text("tests", "", kTestBytesMax);
  }
  if (task.language == "cpp" && (!task.tests.empty() || task.is_same_process)) {
    options.refuse("C++ programs are tested by their input and output",
                   "set \"tests\" to a list of {\"input\", \"output\"}");
  }
  const auto limits = read_limits(context, options.read_json("limits"));
  if (auto finished = options.finish(); !finished) return finished.error();
  if (!limits) return limits.error();
  task.limits = *limits;
  return task;
}

Result<CodeTask> with_reference(CodeTask task, std::string_view reference) {
  if (!reference.starts_with('{')) {
    task.tests = reference;
    return checked(std::move(task));
  }
  if (auto checked = check_strict_json(reference); !checked) return checked.error();
  const Json given = parse_json(reference);
  for (const auto& [key, value] : given.items()) {
    std::string* place = key == "entry_point" ? &task.entry_point
                         : key == "setup"     ? &task.setup
                         : key == "tests"     ? &task.tests
                         : key == "solution"  ? &task.solution
                                              : nullptr;
    if (key == "tests" && value.is_array() && read_io_tests(value, task.io_tests)) continue;
    if (place == nullptr || !value.is_string()) {
      return Error{ErrorCode::kInvalidInput, "the reference's " + key + " is not usable",
                   "a reference holds entry_point, setup, tests and solution", "", ""};
    }
    *place = value.get<std::string>();
  }
  return checked(std::move(task));
}

}  // namespace assay::verifiers

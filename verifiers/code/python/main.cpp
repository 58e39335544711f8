// assay-python: the companion in which Python programs are judged.
#include <Python.h>

#include "verifiers/code/python/filter.h"
#include "verifiers/code/python/interpreter.h"
#include "verifiers/code/python/program_proxy.h"
#include "verifiers/code/python/runner.h"
#include "verifiers/code/python/tester.h"
#include "verifiers/sandbox/language.h"
#include "verifiers/sandbox/launcher.h"

namespace assay::verifiers::python {
namespace {

class Python final : public sandbox::Language {
 public:
  std::vector<std::string> shown_folders() const override { return {}; }
  bool needs_scratch() const override { return false; }

  Result<void> warm_up() override {
    if (auto started = start_interpreter(); !started) return started;
    if (make_proxy_types()) return {};
    PyErr_Clear();
    return Error{ErrorCode::kUnavailable, "Python has no memory", "", "", ""};
  }

  int run(sandbox::Task task) override {
    switch (task) {
      case sandbox::Task::kRunner:
        return run_program();
      case sandbox::Task::kTester:
        return run_tester();
      case sandbox::Task::kWhole:
        return run_whole();
      case sandbox::Task::kFilter:
        return run_filter();
      case sandbox::Task::kCompiler:
      case sandbox::Task::kFunction:
      case sandbox::Task::kService:
        break;  // nothing that this language has; functions have a fence, services are secluded
    }
    return 1;
  }
};

}  // namespace
}  // namespace assay::verifiers::python

int main(int argument_count, char** arguments) {
  assay::verifiers::python::Python language;
  return assay::sandbox::run_launcher(language, argument_count, arguments);
}

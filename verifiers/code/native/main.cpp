// assay-native: the companion in which C++ programs are compiled and run.
#include "verifiers/code/native/compiler.h"
#include "verifiers/code/native/native_program.h"
#include "verifiers/sandbox/language.h"
#include "verifiers/sandbox/launcher.h"

namespace assay::verifiers::native {
namespace {

class Native final : public sandbox::Language {
 public:
  std::vector<std::string> shown_folders() const override {
    return {"/usr", "/bin", "/lib", "/lib64"};
  }
  bool needs_scratch() const override { return true; }
  Result<void> warm_up() override { return {}; }
  int run(sandbox::Task task) override {
    return task == sandbox::Task::kCompiler ? compile_program() : become_program();
  }
};

}  // namespace
}  // namespace assay::verifiers::native

int main(int argument_count, char** arguments) {
  assay::verifiers::native::Native language;
  return assay::sandbox::run_launcher(language, argument_count, arguments);
}

#include "actors/cli/provenance.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fmt/format.h>
#include <cctype>
#include <ctime>
#include <thread>

#include "actors/cli/system_file.h"
#include "actors/cli/version.h"
#include "gpu/backend.h"
#include "runtime/core/file.h"

namespace assay::cli {

namespace {

// The value of the first line "name<separator>value"; empty when there is none.
std::string value_of(const std::string& text, const std::string& name, char separator) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t cut = line.find(separator);
    at = end + 1;
    if (cut == std::string::npos || !line.starts_with(name)) continue;
    std::string value = line.substr(cut + 1);
    std::erase(value, '"');
    const std::size_t first = value.find_first_not_of(" \t");
    return first == std::string::npos ? "" : value.substr(first);
  }
  return "";
}

std::string processor() {
  std::string model = value_of(system_file("/proc/cpuinfo"), "model name", ':');
  return fmt::format("{}{}{} cores", model, model.empty() ? "" : ", ",
                     std::max(1u, std::thread::hardware_concurrency()));
}

std::string memory() {
  const double pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  const double bytes = pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return fmt::format("{:.1f} GB", bytes * 1e-9);
}

std::string operating_system() {
  utsname name{};
  const std::string kernel =
      ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "";
  const std::string system = value_of(system_file("/etc/os-release"), "PRETTY_NAME", '=');
  return system.empty() ? kernel : system + ", " + kernel;
}

// The prompts themselves, whatever file or seed they came from.
std::string prompts_digest(const std::vector<wire::Prompt>& prompts) {
  Hasher hasher;
  for (const wire::Prompt& prompt : prompts) {
    hasher.add_field(prompt.text).add_field(prompt.reference).add_field(prompt.verifier);
  }
  return hasher.finish().hex();
}

// A training file by its bytes; a procedural source by what it draws from.
web::ProvenanceFact train_fact(const SourceSettings& source) {
  const std::string name = "training data, " + source.name;
  if (source.path.empty()) {
    return {name, fmt::format("drawn on demand: {}, {} to {} operands", source.task,
                              source.chain.operands_min, source.chain.operands_max)};
  }
  const Result<MappedFile> file = MappedFile::open(source.path);
  return {name, source.path + (file ? ", SHA-256 " + sha256(file->bytes()).hex() : "")};
}

bool is_plain(const std::string& word) {
  if (word.empty()) return false;
  for (const char letter : word) {
    const bool is_plain_letter =
        std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
        std::string_view("@%+=:,./-_[]").find(letter) != std::string_view::npos;
    if (!is_plain_letter) return false;
  }
  return true;
}

}  // namespace

std::vector<web::ProvenanceFact> provenance_of(const RunSetup& setup) {
  std::vector<web::ProvenanceFact> facts;
  facts.push_back({"assay", fmt::format("{}, built with {}", kVersion, kCompiler)});
  const Result<std::string> engine = gpu::describe_device(setup.backend);
  facts.push_back({"engine", engine ? *engine : ""});
  facts.push_back({"processor", processor()});
  facts.push_back({"memory", memory()});
  facts.push_back({"system", operating_system()});
  facts.push_back({"tokenizer", setup.tokenizer->describe()});
  for (const SourceSettings& source : setup.config.curator.train) {
    facts.push_back(train_fact(source));
  }
  for (const EvalSet& set : setup.eval_sets) {
    facts.push_back(
        {"evaluation data, " + set.settings.source.name,
         fmt::format("{} prompts, SHA-256 {}", set.prompts.size(), prompts_digest(set.prompts))});
  }
  return facts;
}

std::string utc_time(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text, size};
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (is_plain(word)) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char letter : word)
      line += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    line += '\'';
  }
  return line;
}

}  // namespace assay::cli

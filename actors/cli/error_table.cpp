#include "actors/cli/error_table.h"

#include <algorithm>

namespace assay::cli {

namespace {

constexpr ErrorKind kErrorKinds[] = {
    {"E101", "a config is not TOML",
     "The file cannot be read as TOML: a bracket or quote is missing, or a key stands there twice.",
     "The place names file, line and column. A text needs quotes, a table looks like [name]."},
    {"E102", "a config file does not exist", "There is no file of the name after @ or -c.",
     "`@ configs/arithmetic.toml` is a config that comes with assay."},
    {"E103", "a key is unknown",
     "A misspelt key would silently leave its default in place, so every unknown key is refused.",
     "The error names the nearest key; `assay config show --keys curator -o wide` explains all."},
    {"E104", "a value has the wrong type or range",
     "The value is of another type than its key takes, or outside its limits.",
     "The error says what is expected."},
    {"E110", "a group of one",
     "Rollouts of a group are each other's baseline; a group of one teaches nothing.",
     "Set curator.group_size to 2 or more."},
    {"E111", "two values do not fit together",
     "Each value is allowed by itself, but not with another one that the error names.",
     "Change one of the two."},
    {"E112", "a cluster's configuration contradicts itself",
     "A node lacks a name, a pool is hosted by nobody, or the head would listen without keys where "
     "others can reach it.",
     "The error says which and what to write; configs/cluster.toml is an example."},
    {"E301", "no column with the reference answer",
     "A dataset's truth is looked for in the columns answer, ground_truth, "
     "reward_model.ground_truth and solution.",
     "Name the column: reference_column = \"...\" in the source's table."},
    {"E302", "no column with the prompt",
     "A dataset's prompt is looked for in the columns prompt, question, problem and messages.",
     "Name the column: prompt_column = \"...\" in the source's table."},
    {"E401", "a Python verifier cannot be imported",
     "The file cannot be read, its interpreter cannot be started, or its import fails.",
     "The error has the traceback; `interpreter` names the Python that has the file's packages."},
    {"E402", "a verifier type is unknown", "No verifier of this build has that name.",
     "`assay verify --help` lists the verifiers."},
    {"E403", "a verifier's option is unknown or wrong",
     "The verifier does not have that option, or not with that type or value.",
     "The error names the verifier's options."},
    {"E404", "a verifier refuses reference answers",
     "A verifier that does not accept the references it judges by would teach the wrong thing.",
     "The error names the first such row: correct it, or choose another verifier."},
    {"E405", "a verifier does not pass its gate",
     "The audit with its suite shows that it lets too many wrong completions through, or refuses "
     "too many right ones; nothing was trained.",
     "The error says how many cases are missing; `assay verify VERIFIER --suite FILE` lists what "
     "it gets wrong."},
    {"E410", "a verifier case is malformed",
     "A line of the case file is not a case; nothing was judged.", "The place names the line."},
    {"E420", "a companion program is missing",
     "Some verifiers work in programs of their own, which lie beside assay.",
     "Build or install everything, or set ASSAY_COMPANIONS to the folder that has them."},
    {"E501", "nobody answers in the run's folder",
     "The run has ended, has not begun, or does not let anyone attach.",
     "The error says which; a finished run has its report, a stopped one goes on with --resume."},
    {"E601", "the head cannot listen",
     "The address is not one of this machine, or another process has the port.",
     "Choose another control_port or bulk_port, or stop the other head."},
    {"E602", "nobody can be reached there",
     "The head's port does not answer: it is not running, or a firewall is between.",
     "Start the head first, or let the node wait: assay node --wait 60."},
    {"E603", "the key is not accepted",
     "The node's key is not one that the head knows, or the head is not the one that the key "
     "names.",
     "Carry node.key of the head's own `assay keys init` to the node."},
    {"E604", "the head does not welcome the node",
     "It runs another version, has a node of that name already, or the key may not host workers.",
     "The error has the head's own words."},
    {"E801", "the run's folder is taken",
     "The folder holds another run, or files that assay did not make.",
     "Go on with --resume, delete the run with --clean, or choose another --run.name."},
    {"E802", "a run is resumed with another configuration",
     "What was trained so far would not be what the new configuration says.",
     "Resume with the same files and flags, or start anew with --clean."},
    {"E803", "a run's history cannot be trusted",
     "The ledger is damaged, has lost what was announced, or belongs to another base policy.",
     "Bring back a copy of the file that the error names, or start anew with --clean; `assay "
     "ledger "
     "check` shows what is broken."},
    {"E804", "a file is there already", "`assay init` writes over nothing.",
     "Name another folder: assay init DIR."},
};

}  // namespace

std::span<const ErrorKind> error_kinds() {
  return kErrorKinds;
}

const ErrorKind* find_error_kind(std::string_view id) {
  const auto found = std::find_if(std::begin(kErrorKinds), std::end(kErrorKinds),
                                  [&](const ErrorKind& kind) { return kind.id == id; });
  return found == std::end(kErrorKinds) ? nullptr : found;
}

}  // namespace assay::cli

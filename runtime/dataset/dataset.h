// Datasets: prompts read from JSONL files, and mixtures of sources in a seeded order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/dataset/prompt_source.h"
#include "runtime/wire/prompt.h"

namespace assay::dataset {

struct JsonlOptions {
  std::string path = {};
  std::string name = {};           // wire::Prompt::source; the file's stem where empty
  std::string prompt_column = {};  // empty: the first of prompt, question, problem, messages
  // Empty: the first of answer, ground_truth, reward_model.ground_truth, solution. A dot descends
  // into objects.
  std::string truth_column = {};
  std::string verifier = "math";
  std::uint64_t rows_max = 0;  // 0: all
};

// How one file was read: which columns, and how the reference was taken from the truth column.
struct ColumnMapping {
  std::string prompt_column;
  std::string truth_column;
  std::vector<std::string> columns_seen;  // of the first row
  std::uint64_t marked_truths = 0;        // rows whose reference followed a `####` mark
  std::uint64_t boxed_truths = 0;         // rows whose reference was the last \boxed{...}
  std::uint64_t plain_truths = 0;         // rows whose truth was taken whole
};

// The reference inside a truth column: what follows the last `####` of a line, else the content of
// the last \boxed{...}, else the whole text; without surrounding white space.
// `Natalia sold 48+24 = 72 clips.\n#### 72` gives `72`.
std::string extract_truth(std::string_view truth);

// The rows of one JSONL file, in memory. Row i is prompt i; shuffled() gives them an order.
class JsonlDataset {
 public:
  // Reads and checks the whole file. Blank lines are skipped. A `messages` column gives the content
  // of its last user message.
  // Errors: kNotFound; kCorrupt with file:line for a line that is not one JSON object in UTF-8,
  // repeats a key, is too long or nests too deeply, or lacks a column that the first row had;
  // kInvalidInput E301 when no truth column is found (with the columns seen), E302 when no prompt
  // column is found, and when the file has no rows.
  static Result<JsonlDataset> load(const JsonlOptions& options);

  const std::vector<wire::Prompt>& prompts() const { return prompts_; }
  const std::string& name() const { return name_; }
  const ColumnMapping& mapping() const { return mapping_; }
  std::string describe() const;  // file, rows, mapping and two rows with their references

 private:
  JsonlDataset() = default;

  std::string path_;
  std::string name_;
  std::vector<wire::Prompt> prompts_;
  ColumnMapping mapping_;
};

// Walks a dataset once an epoch, each epoch in an order of its own that depends only on the seed.
std::unique_ptr<PromptSource> shuffled(JsonlDataset dataset, std::uint64_t seed);

struct MixtureEntry {
  std::shared_ptr<const PromptSource> source;
  double ratio = 1.0;  // share of the prompts, relative to the other entries; positive
};

// Draws from several sources by ratio. In every block of 1000 prompts each source has its exact
// share (rounded by largest remainder), in a seeded order; each source is walked in its own epochs,
// so none of its prompts repeats before all were drawn. An epoch of the mixture is as long as the
// epochs of its sources together.
// Errors: kInvalidInput when there is no entry, or a ratio is not positive and finite, or so small
// that a block would hold no prompt of its source.
Result<std::unique_ptr<PromptSource>> mixture(std::vector<MixtureEntry> entries,
                                              std::uint64_t seed);

}  // namespace assay::dataset

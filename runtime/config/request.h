// What a user asked a config to be: files, merged left to right, then single values on top.
#pragma once

#include <string>
#include <vector>

namespace assay::config {

// One value from the command line. `key` is dotted; dashes and underscores mean the same in it.
// Elements of an array of tables are reached by index or by their `name`:
// `curator.train.source.gsm8k.path`.
struct Override {
  std::string key;
  std::string value;  // as typed
  std::string shown;  // how errors and origins name it, e.g. "--learner.optim.lr"
};

struct Request {
  std::vector<std::string> files;
  std::vector<Override> overrides;
};

}  // namespace assay::config

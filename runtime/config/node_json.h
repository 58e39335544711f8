// A config's table as JSON, for keys that belong to someone else.
#pragma once

#include <optional>
#include <string>

#include "runtime/config/node.h"

namespace assay::config {

// The table as a JSON object on one line, keys sorted. Text is taken as JSON; a word typed on the
// command line inside the table as JSON where it is JSON, as text otherwise. Nothing when the node
// is neither a table nor a JSON object, nests deeper than limits::kNestingDepthMax, repeats a key,
// or holds a value JSON lacks (dates, infinities).
std::optional<std::string> object_json(const Node& node);

}  // namespace assay::config

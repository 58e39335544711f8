// What a node makes its workers of, from the run's configuration.
#pragma once

#include <string>

#include "actors/node_host.h"
#include "runtime/core/result.h"

namespace assay::cli {

// `config` is a resolved configuration, TOML. Paths in it are read here. Errors: those of the
// config and of verifiers that cannot be made on this machine.
Result<actors::Workshop> open_workshop(const std::string& config);

}  // namespace assay::cli

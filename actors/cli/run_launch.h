// A run from its configuration to its exit code, in this process or with nodes of a cluster.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/cli/command.h"
#include "actors/cli/run_setup.h"
#include "actors/cluster_head.h"
#include "runtime/config/request.h"

namespace assay::cli {

// Where the workers of a run live.
struct WorkPlace {
  std::shared_ptr<void> nodes;  // processes that end with it, once the head has said farewell
  std::shared_ptr<actors::ClusterHead> cluster;  // null: this process alone
  flow::PoolCapacities local = {{flow::kEveryPool, 4096}};
};

struct RunLaunch {
  std::string command;  // as typed
  config::Request request;
  bool is_dry = false, is_resume = false, is_clean = false;
  // Opens the place once the run's folder is there. Empty: this process alone.
  std::function<Result<WorkPlace>(const RunSetup& setup, const LoadedConfig& loaded,
                                  const store::RunPaths& paths)>
      open_place;
};

// Errors are printed; the exit code is the program's.
ExitCode launch_run(CommandContext& context, const RunLaunch& launch);

}  // namespace assay::cli

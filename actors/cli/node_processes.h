// The node processes that `assay up` starts: here, or over ssh. A process that dies is started
// again, later each time; all of them end with this object.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/flow/restart_plan.h"

namespace assay::cli {

struct NodeCommand {
  std::string name;
  std::vector<std::string> words;  // the program first
  std::string log_path;            // what it says
};

class NodeProcesses {
 public:
  // `tell` hears of deaths and restarts, on a thread of its own.
  NodeProcesses(std::vector<NodeCommand> commands, std::function<void(const std::string&)> tell);
  // Waits a moment for those that are leaving by themselves, then SIGTERM, then SIGKILL.
  ~NodeProcesses();
  NodeProcesses(const NodeProcesses&) = delete;
  NodeProcesses& operator=(const NodeProcesses&) = delete;

 private:
  void watch();
  void start(const NodeCommand& command);
  void someone_died(const NodeCommand& command, int status);
  void end_all();

  std::vector<NodeCommand> commands_;
  std::function<void(const std::string&)> tell_;
  flow::RestartPlan restarts_;
  std::map<std::string, pid_t> running_;   // by node name
  std::map<std::string, SteadyTime> due_;  // restarts to come
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::cli

#include "actors/actor_log.h"

namespace assay::actors {

telemetry::ActorLog open_log(const ArmOptions& options, const std::string& actor) {
  if (options.logs == nullptr) return {};
  const std::string& arm = options.ledger.arm;
  Result<telemetry::ActorLog> log = options.logs->open(arm == "true" ? actor : arm + "-" + actor);
  return log ? *log : telemetry::ActorLog();
}

}  // namespace assay::actors

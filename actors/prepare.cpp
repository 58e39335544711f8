#include "actors/prepare.h"

#include "actors/arm_rules.h"
#include "actors/replay.h"
#include "runtime/core/file.h"

namespace assay::actors {

namespace {

Result<void> start_from_base(const ArmOptions& options, PreparedArm& prepared) {
  gpu::Learner& learner = *prepared.learner;
  if (auto restored = restore_base(options, learner); !restored) return restored.error();
  prepared.recovered.weights[0] = learner.publish();
  store::LedgerHeader header = options.ledger;
  header.weights_base = prepared.recovered.weights[0]->digest();
  Result<store::Ledger> ledger = store::Ledger::create(options.ledger_path, header);
  if (!ledger) return ledger.error();
  prepared.ledger = std::make_shared<store::Ledger>(std::move(*ledger));
  return {};
}

// Up to date with the ledger. Once is enough: from then on the keeper of the ledger sees to it.
Result<void> open_quarantine(const ArmOptions& options, PreparedArm& prepared) {
  if (options.quarantine_path.empty()) return {};
  Result<store::Quarantine> quarantine =
      store::Quarantine::open(options.quarantine_path, options.ledger_path);
  if (!quarantine) return quarantine.error();
  prepared.quarantine = std::make_shared<store::Quarantine>(std::move(*quarantine));
  return {};
}

}  // namespace

bool is_over(const ArmOptions& options, const PreparedArm& prepared) {
  return prepared.recovered.steps >= options.flow.dispatch.step_count;
}

Result<PreparedArm> prepare_arm(const ArmOptions& options) {
  PreparedArm prepared;
  Result<std::unique_ptr<gpu::Learner>> learner = make_arm_learner(options);
  if (!learner) return learner.error();
  prepared.learner = std::move(*learner);
  prepared.flow = std::make_shared<flow::GroupFlow>(options.flow, group_supply(options),
                                                    reward_rule(options.rewards));
  const bool has_ledger = path_exists(options.ledger_path);
  if (options.is_resume && !has_ledger && options.announced_steps > 0) {
    return lost_history(options, 0);
  }
  if (!options.is_resume || !has_ledger) {
    if (auto started = start_from_base(options, prepared); !started) return started.error();
    if (auto opened = open_quarantine(options, prepared); !opened) return opened.error();
    return prepared;
  }
  Result<Recovered> recovered = recover(options, *prepared.learner, *prepared.flow);
  if (!recovered) return recovered.error();
  prepared.recovered = std::move(*recovered);
  for (const std::string& note : prepared.recovered.notes) {
    if (options.tell) options.tell(note);
  }
  if (auto opened = open_quarantine(options, prepared); !opened) return opened.error();
  if (prepared.recovered.is_finished && is_over(options, prepared)) return prepared;
  Result<store::Ledger> ledger = store::Ledger::open(options.ledger_path);
  if (!ledger) return ledger.error();
  prepared.ledger = std::make_shared<store::Ledger>(std::move(*ledger));
  return prepared;
}

}  // namespace assay::actors

// An insider: may write to a ledger's file and knows how it is chained. What it leaves has a sound
// form, so that only the meaning of an edit can give it away.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/store/ledger_event.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::store::testing {

class LedgerForger {
 public:
  explicit LedgerForger(std::string path);

  // Edit these as you like; save() numbers and chains them again. Removing one removes its bytes.
  LedgerHeader header;
  std::vector<LedgerEvent> events;

  // The position of the nth event of a kind, from 0.
  std::size_t at(EventKind kind, std::size_t nth = 0) const;
  std::size_t at(EventKind kind, RolloutId rollout) const;

  // Replaces what is stored with a generated or verified event, and what vouches for it.
  void replace(LedgerEvent& event, const wire::Rollout& rollout);
  void replace(LedgerEvent& event, const wire::Verdict& verdict);
  wire::Rollout rollout(const LedgerEvent& event) const;
  wire::Verdict verdict(const LedgerEvent& event) const;

  void save();

 private:
  std::string bytes_of(const LedgerEvent& event) const;

  std::string path_;
  std::map<std::uint64_t, std::string> replaced_;  // bytes by the number the event had
};

// Changes the file below the ledger's feet, without making anything fit again.
void run_sql(const std::string& path, const std::string& sql);

}  // namespace assay::store::testing

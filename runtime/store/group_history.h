// The lives of groups: issued, leased, generated, judged and ended in this order and once (I01-I10,
// I14, I17-I19).
//
// Internal: a part of the checker. Memory: a few bytes per group ended, more per group open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/store/invariant.h"
#include "runtime/store/ledger_event.h"

namespace assay::store {

class GroupHistory {
 public:
  GroupHistory(const LedgerHeader& header, Findings& findings);

  // Takes an event of a group. False when it can have had no effect, because its group was unknown
  // or had ended; that has been reported.
  bool add(const LedgerEvent& event);
  // Another writer took over: it holds none of its predecessor's leases.
  void writer_changed();
  // The run declared itself complete.
  void run_finished(std::uint64_t seq);
  // The end of the events.
  void finish(std::uint64_t last_seq);

  std::uint64_t open() const { return open_; }

 private:
  struct Rollout {
    bool is_generated = false;
    bool is_verified = false;
    bool is_unscored = false;
    Digest hash;
    PolicyVersion version;
  };
  struct Lease {
    std::optional<std::uint32_t> index;
    std::string actor;
    std::uint32_t attempt = 0;
    std::uint64_t seq = 0;
  };
  struct Group {
    bool is_ended = false;
    std::uint64_t issued_seq = 0;
    std::uint32_t leased_attempts = 0;  // of the group as a whole, by this writer
    std::vector<Rollout> rollouts;      // released when the group ends
    std::vector<Lease> leases;          // active ones
  };

  bool add_issued(const LedgerEvent& event);
  void apply(const LedgerEvent& event, Group& group);
  void check_leased(const LedgerEvent& event, Group& group);
  void check_lease_expired(const LedgerEvent& event, Group& group);
  void check_generated(const LedgerEvent& event, Group& group);
  void check_verdict(const LedgerEvent& event, Group& group);
  void check_consumed(const LedgerEvent& event, const Group& group);
  void check_dropped(const LedgerEvent& event);
  void end(Group& group);

  Findings& findings_;
  std::uint32_t group_size_;
  std::uint64_t staleness_max_;
  std::uint64_t bound_;
  std::unordered_map<std::uint64_t, Group> groups_;
  std::uint64_t issued_ = 0, consumed_ = 0, dropped_ = 0, open_ = 0;
  std::uint64_t open_most_ = 0, open_most_seq_ = 0;
};

}  // namespace assay::store

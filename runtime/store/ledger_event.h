// Words of the ledger: what happened to a group or a rollout, and which run it happened in.
//
// State machine of a group: issued -> per rollout (generated -> verified | unscored) ->
// consumed(step) | dropped(reason). The invariants over these events are those of ledger_checker.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/ids.h"

namespace assay::store {

// The closed list of event kinds; names as `assay ledger export` prints them. Values are stored.
enum class EventKind : std::uint8_t {
  kIssued = 1,        // a group exists; its prompt is stored with it
  kLeased = 2,        // given to an actor: without an index the group, with one a single rollout
  kLeaseExpired = 3,  // the actor went silent, or gave it back (reason says which)
  kGenerated = 4,     // a rollout was accepted; its bytes are stored with it
  kVerified = 5,      // a scored verdict was accepted; it is stored with it
  kUnscored = 6,      // the judge failed; the verdict is stored with it
  kLate = 7,          // work that arrived after something else settled it; no effect
  kConsumed = 8,      // the group was trained on in `step`
  kDropped = 9,       // the group ended untrained, `reason` is a DropReason
  kStep = 10,         // one update; carries a StepRecord
  kFence = 11,        // a writer took over (fence grows) or finished the run (reason "finished")
};

std::string_view to_string(EventKind kind);  // "issued", "lease_expired", ...
std::optional<EventKind> parse_event_kind(std::string_view text);

// What never changes in the life of a ledger. The hash chain starts from it.
struct LedgerHeader {
  std::string run;           // the run's name
  std::string arm = "true";  // "true" or a control's name
  std::uint64_t seed = 0;    // run seed; group ids derive from it
  Digest config_sha256;      // of the resolved configuration
  std::uint32_t group_size = 0;
  std::uint64_t staleness_max = 0;    // in policy versions
  std::uint32_t attempts_max = 3;     // attempts are numbered from 1
  std::uint64_t open_groups_max = 0;  // groups issued and not ended at any time; 0 = not bounded
  Digest weights_base;                // weights of policy version 0; zero when not known yet

  friend bool operator==(const LedgerHeader&, const LedgerHeader&) = default;
};

// One update: everything needed to do it again and to see that it came out the same.
struct StepRecord {
  std::uint64_t step = 0;  // from 1, contiguous
  PolicyVersion version_in;
  PolicyVersion version_out;
  Digest weights_in;
  Digest weights_out;
  Digest optimiser;             // state after the update; zero where not recorded
  std::string checkpoint;       // name of its folder under checkpoints/; empty when none was made
  std::vector<GroupId> groups;  // consumed, in batch order

  friend bool operator==(const StepRecord&, const StepRecord&) = default;
};

struct LedgerEvent {
  std::uint64_t seq = 0;  // dense from 1; given by the ledger
  std::int64_t t_ms = 0;  // wall clock, for people only
  EventKind kind = EventKind::kIssued;
  GroupId group;                       // none for kStep and kFence
  std::optional<std::uint32_t> index;  // which rollout of the group; absent for group events
  std::uint32_t attempt = 0;           // from 1; 0 where it has no meaning
  std::string actor;                   // e.g. "generator/0"; up to kActorBytesMax bytes
  std::uint64_t fence = 0;             // the writer's fence; 0 on append means the current one
  PolicyVersion policy_version;  // generated: oldest behaviour version; consumed: version trained
  Digest hash;    // issued: prompt; generated: completion bytes; verified, unscored: bytes judged
  Digest stored;  // of the encoded bytes stored with this event; zero where none are
  std::string reason;
  std::uint64_t step = 0;  // consumed, dropped, step; 0 where it has no meaning
  Digest chain;            // SHA-256 over the previous event's chain and all fields above
  std::optional<StepRecord> details;  // exactly for kStep; part of the chain

  std::optional<RolloutId> rollout() const {
    if (!index) return std::nullopt;
    return RolloutId{group, *index};
  }
  friend bool operator==(const LedgerEvent&, const LedgerEvent&) = default;
};

inline constexpr std::size_t kActorBytesMax = 256;

// An event that somebody outside the ledger remembers.
struct Acknowledgement {
  std::uint64_t seq = 0;
  Digest chain;
};

// The head of an empty chain: the header's own hash.
Digest chain_start(const LedgerHeader& header);

// The chain value of an event that follows `previous`. Reads everything but event.chain.
Digest chain_next(const Digest& previous, const LedgerEvent& event);

// One line of `assay ledger export`, without the newline: the keys of the public contract, hashes
// and ids in hex, absent values null. Invalid UTF-8 is replaced.
std::string to_json_line(const LedgerEvent& event);

// A step's details as canonical JSON: the form the ledger stores. Errors: kCorrupt.
std::string to_json(const StepRecord& record);
Result<StepRecord> parse_step_record(std::string_view json);

}  // namespace assay::store

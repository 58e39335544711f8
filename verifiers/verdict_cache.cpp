#include "verifiers/verdict_cache.h"

#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/core/check.h"
#include "runtime/core/digest.h"

namespace assay::verifiers {

namespace {

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t hash = 0;
    for (std::size_t i = 0; i < sizeof hash; ++i) hash = hash << 8 | digest.bytes[i];
    return hash;
  }
};

// Each part with its length, so that no two lists of parts are one text.
Digest key_of(const std::string& identity, const Judgement& item) {
  std::string bytes;
  for (const std::string_view part :
       {std::string_view(identity), std::string_view(item.prompt->source),
        std::string_view(item.prompt->text), std::string_view(item.prompt->reference),
        std::string_view(item.prompt->columns), item.completion}) {
    bytes += std::to_string(part.size());
    bytes += ':';
    bytes += part;
  }
  return sha256(bytes);
}

}  // namespace

class CachedVerifier::Memory {
 public:
  explicit Memory(std::size_t verdicts_max) : verdicts_max_(verdicts_max) {}

  std::optional<wire::Verdict> recall(const Digest& key) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) {
      ++counters_.misses;
      return std::nullopt;
    }
    ++counters_.hits;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }

  void keep(const Digest& key, const wire::Verdict& verdict) {
    if (!verdict.is_scored()) return;
    const std::lock_guard lock(mutex_);
    if (places_.contains(key)) return;
    order_.emplace_front(key, verdict);
    places_[key] = order_.begin();
    if (order_.size() <= verdicts_max_) return;
    places_.erase(order_.back().first);
    order_.pop_back();
  }

  CacheCounters counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
  }

 private:
  using Entry = std::pair<Digest, wire::Verdict>;

  const std::size_t verdicts_max_;
  mutable std::mutex mutex_;
  std::list<Entry> order_;  // used last comes first
  std::unordered_map<Digest, std::list<Entry>::iterator, DigestHash> places_;
  CacheCounters counters_;
};

CachedVerifier::CachedVerifier(std::shared_ptr<const Verifier> judge, std::size_t verdicts_max)
    : judge_(std::move(judge)), memory_(std::make_unique<Memory>(verdicts_max)) {
  ASSAY_CHECK(verdicts_max > 0, "a cache has room for one verdict at least");
}

CachedVerifier::~CachedVerifier() = default;

wire::Verdict CachedVerifier::verify(const wire::Prompt& prompt,
                                     std::string_view completion) const {
  const Judgement item{&prompt, completion};
  wire::Verdict given;
  verify_all({&item, 1}, [&](wire::Verdict verdict) { given = std::move(verdict); });
  return given;
}

void CachedVerifier::verify_all(std::span<const Judgement> items, const VerdictSink& sink) const {
  std::vector<std::optional<wire::Verdict>> known(items.size());
  std::vector<Judgement> unknown;
  std::vector<Digest> keys;
  const std::string identity = judge_->identity();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Digest key = key_of(identity, items[i]);
    known[i] = memory_->recall(key);
    if (known[i]) continue;
    unknown.push_back(items[i]);
    keys.push_back(key);
  }
  std::size_t next = 0;  // of the items, whose verdicts leave in order
  const auto pass_known = [&] {
    for (; next < items.size() && known[next]; ++next) sink(std::move(*known[next]));
  };
  pass_known();
  auto key = keys.begin();
  judge_->verify_all(unknown, [&](wire::Verdict verdict) {
    memory_->keep(*key++, verdict);
    ++next;
    sink(std::move(verdict));
    pass_known();
  });
}

std::chrono::milliseconds CachedVerifier::longest_check() const {
  return judge_->longest_check();
}

Result<void> CachedVerifier::check_reference(const wire::Prompt& prompt) const {
  return judge_->check_reference(prompt);
}

std::vector<std::string> CachedVerifier::side_effects() const {
  return judge_->side_effects();
}

std::string CachedVerifier::identity() const {
  return judge_->identity();
}

CacheCounters CachedVerifier::counters() const {
  return memory_->counters();
}

}  // namespace assay::verifiers

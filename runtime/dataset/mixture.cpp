#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "runtime/core/check.h"
#include "runtime/dataset/dataset.h"
#include "runtime/dataset/permutation.h"

namespace assay::dataset {

namespace {

constexpr std::uint64_t kBlockPrompts = 1000;

// The streams of a seed: epochs of a dataset count up from one end, blocks of a mixture from the
// other.
constexpr std::uint64_t kBlockStream = std::uint64_t{1} << 63;

class ShuffledSource final : public PromptSource {
 public:
  ShuffledSource(JsonlDataset dataset, std::uint64_t seed)
      : dataset_(std::move(dataset)), seed_(seed) {}

  wire::Prompt prompt(std::uint64_t epoch, std::uint64_t index) const override {
    const std::uint64_t size = prompts_per_epoch();
    const std::uint64_t row = permuted(index % size, size, seed_, epoch + index / size);
    return dataset_.prompts()[row];
  }
  std::uint64_t prompts_per_epoch() const override { return dataset_.prompts().size(); }
  std::string describe() const override { return dataset_.describe(); }

 private:
  JsonlDataset dataset_;
  std::uint64_t seed_;
};

class Mixture final : public PromptSource {
 public:
  Mixture(std::vector<MixtureEntry> entries, std::vector<std::uint64_t> shares, std::uint64_t seed)
      : entries_(std::move(entries)), shares_(std::move(shares)), seed_(seed) {
    for (const MixtureEntry& entry : entries_) size_ += entry.source->prompts_per_epoch();
  }

  wire::Prompt prompt(std::uint64_t epoch, std::uint64_t index) const override {
    const std::uint64_t position = epoch * size_ + index;
    const std::uint64_t block = position / kBlockPrompts;
    std::uint64_t slot =
        permuted(position % kBlockPrompts, kBlockPrompts, seed_, kBlockStream + block);
    std::size_t chosen = 0;
    while (slot >= shares_[chosen]) slot -= shares_[chosen++];
    const PromptSource& source = *entries_[chosen].source;
    const std::uint64_t drawn = block * shares_[chosen] + slot;
    return source.prompt(drawn / source.prompts_per_epoch(), drawn % source.prompts_per_epoch());
  }
  std::uint64_t prompts_per_epoch() const override { return size_; }
  std::string describe() const override {
    std::string text;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (i > 0) text += '\n';
      text += "share " + std::to_string(shares_[i]) + "/1000 of " + entries_[i].source->describe();
    }
    return text;
  }

 private:
  std::vector<MixtureEntry> entries_;
  std::vector<std::uint64_t> shares_;  // [entries_.size()], of each block; they sum to the block
  std::uint64_t seed_;
  std::uint64_t size_ = 0;
};

// How many prompts of a block each entry gets, by largest remainder; ties go to the earlier entry.
std::vector<std::uint64_t> block_shares(const std::vector<MixtureEntry>& entries, double total) {
  std::vector<std::uint64_t> shares;
  std::vector<std::pair<double, std::size_t>> remainders;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const double exact = entries[i].ratio / total * static_cast<double>(kBlockPrompts);
    shares.push_back(static_cast<std::uint64_t>(exact));
    remainders.emplace_back(std::floor(exact) - exact, i);
  }
  std::sort(remainders.begin(), remainders.end());
  const std::uint64_t given = std::accumulate(shares.begin(), shares.end(), std::uint64_t{0});
  ASSAY_CHECK(given <= kBlockPrompts && kBlockPrompts - given <= shares.size(),
              "rounded shares leave at most one prompt for each entry");
  for (std::uint64_t i = 0; i < kBlockPrompts - given; ++i) ++shares[remainders[i].second];
  return shares;
}

Error mixture_error(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, "mixture of sources: " + std::move(message), std::move(remedy),
          "", ""};
}

}  // namespace

std::unique_ptr<PromptSource> shuffled(JsonlDataset dataset, std::uint64_t seed) {
  return std::make_unique<ShuffledSource>(std::move(dataset), seed);
}

Result<std::unique_ptr<PromptSource>> mixture(std::vector<MixtureEntry> entries,
                                              std::uint64_t seed) {
  if (entries.empty()) return mixture_error("there is none", "name at least one source");
  double total = 0;
  for (const MixtureEntry& entry : entries) {
    ASSAY_CHECK(entry.source != nullptr, "a mixture's entry has a source");
    if (!std::isfinite(entry.ratio) || entry.ratio <= 0) {
      return mixture_error("a ratio is " + std::to_string(entry.ratio),
                           "ratios are positive numbers; leave out a source that is not wanted");
    }
    total += entry.ratio;
  }
  if (!std::isfinite(total)) return mixture_error("the ratios overflow", "choose smaller ratios");
  std::vector<std::uint64_t> shares = block_shares(entries, total);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (shares[i] == 0) {
      return mixture_error("the ratio " + std::to_string(entries[i].ratio) + " of entry " +
                               std::to_string(i) + " is below one in 1000",
                           "raise it or leave the source out");
    }
  }
  return std::unique_ptr<PromptSource>(
      std::make_unique<Mixture>(std::move(entries), std::move(shares), seed));
}

}  // namespace assay::dataset

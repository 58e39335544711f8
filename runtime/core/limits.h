// Every bound in the system, named. Foreign bytes are measured against these before memory is
// taken.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::limits {

inline constexpr std::size_t kMiB = std::size_t{1} << 20;

inline constexpr std::size_t kPromptBytesMax = 256 * 1024;
inline constexpr std::size_t kCompletionBytesMax = 1 * kMiB;
inline constexpr std::size_t kVerifierInputBytesMax = 64 * 1024;
inline constexpr std::size_t kSequenceTokensMax = 1 << 20;
inline constexpr std::size_t kGroupSizeMax = 4096;
inline constexpr std::size_t kReasonBytesMax = 4096;
inline constexpr std::size_t kControlFrameBytesMax = 64 * 1024;
inline constexpr std::size_t kBulkFrameBytesMax = 64 * kMiB;
inline constexpr std::size_t kNestingDepthMax = 16;
inline constexpr std::size_t kJsonlLineBytesMax = 4 * kMiB;
inline constexpr std::size_t kDatasetRowsMax = 50'000'000;
inline constexpr std::size_t kConfigBytesMax = 1 * kMiB;
inline constexpr std::size_t kSafetensorsHeaderBytesMax = 16 * kMiB;
inline constexpr std::size_t kQuarantineBytesMax = 16 * kMiB;
inline constexpr std::size_t kReportBytesMax = 256 * kMiB;
inline constexpr std::size_t kTensorCountMax = 100'000;

}  // namespace assay::limits

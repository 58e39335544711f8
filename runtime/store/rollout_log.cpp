#include "runtime/store/rollout_log.h"

#include <fcntl.h>
#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <vector>

#include "runtime/core/check.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"

namespace assay::store {

namespace {

constexpr int kCompressionLevel = 3;

std::string_view name_of(wire::FinishReason reason) {
  switch (reason) {
    case wire::FinishReason::kEos:
      return "eos";
    case wire::FinishReason::kLength:
      return "length";
    case wire::FinishReason::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

// JSON has no NaN or infinity.
nlohmann::ordered_json finite_or_null(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

std::optional<double> mean_logprob(const wire::Rollout& rollout) {
  if (rollout.logprobs.empty()) return std::nullopt;
  double sum = 0;
  for (const float logprob : rollout.logprobs) sum += static_cast<double>(logprob);
  return sum / static_cast<double>(rollout.logprobs.size());
}

}  // namespace

std::string to_json_line(const LoggedRollout& logged) {
  ASSAY_CHECK(logged.prompt != nullptr && logged.rollout != nullptr,
              "a logged rollout has a prompt and a rollout");
  const wire::Prompt& prompt = *logged.prompt;
  const wire::Rollout& rollout = *logged.rollout;
  const std::vector<std::uint32_t>& versions = rollout.versions;
  const auto newest = std::max_element(versions.begin(), versions.end());
  nlohmann::ordered_json line;
  line["rollout"] = to_string(rollout.id);
  line["prompt_id"] = to_string(prompt.id);
  line["source"] = prompt.source;
  line["prompt"] = prompt.text;
  line["completion"] = rollout.completion;
  line["finish"] = name_of(rollout.finish);
  line["token_count"] = rollout.completion_tokens.size();
  line["version_min"] = oldest_version(rollout).value;
  line["version_max"] = newest == versions.end() ? 0 : *newest;
  line["logprob_mean"] = finite_or_null(mean_logprob(rollout));
  const wire::Verdict* verdict = logged.verdict;
  line["outcome"] = verdict ? nlohmann::ordered_json(to_string(verdict->outcome)) : nullptr;
  line["reward"] = finite_or_null(verdict ? verdict->reward : std::nullopt);
  line["code"] = verdict ? nlohmann::ordered_json(to_string(verdict->code)) : nullptr;
  line["reason"] = verdict ? nlohmann::ordered_json(verdict->reason) : nullptr;
  line["advantage"] = finite_or_null(logged.advantage);
  return json_text(line);
}

struct RolloutLog::State {
  std::string path;
  FileDescriptor file;
  std::unique_ptr<ZSTD_CStream, decltype(&ZSTD_freeCStream)> stream{nullptr, ZSTD_freeCStream};
  std::vector<char> buffer;

  Result<void> feed(std::string_view text, ZSTD_EndDirective directive);
};

Result<void> RolloutLog::State::feed(std::string_view text, ZSTD_EndDirective directive) {
  ZSTD_inBuffer input{text.data(), text.size(), 0};
  for (;;) {
    ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
    const std::size_t left = ZSTD_compressStream2(stream.get(), &output, &input, directive);
    if (ZSTD_isError(left) != 0) {
      return Error{
          ErrorCode::kExhausted, "compress " + path + ": " + ZSTD_getErrorName(left), {}, {}, {}};
    }
    const std::span<const char> ready(buffer.data(), output.pos);
    if (Result<void> written = write_all(file.get(), std::as_bytes(ready), path); !written)
      return written;
    if (input.pos == input.size && (directive == ZSTD_e_continue || left == 0)) return {};
  }
}

Result<RolloutLog> RolloutLog::create(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (!folder.empty()) {
    if (Result<void> made = make_folders(folder); !made) return made.error();
  }
  auto state = std::make_unique<State>();
  state->path = path;
  state->file = FileDescriptor(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!state->file.is_open()) return errno_error("create", path);
  state->stream.reset(ZSTD_createCStream());
  if (!state->stream) return Error{ErrorCode::kExhausted, "compress " + path, {}, {}, {}};
  ZSTD_CCtx_setParameter(state->stream.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  ZSTD_CCtx_setParameter(state->stream.get(), ZSTD_c_checksumFlag, 1);
  state->buffer.resize(ZSTD_CStreamOutSize());
  return RolloutLog(std::move(state));
}

RolloutLog::RolloutLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
RolloutLog::~RolloutLog() = default;
RolloutLog::RolloutLog(RolloutLog&&) noexcept = default;
RolloutLog& RolloutLog::operator=(RolloutLog&&) noexcept = default;

Result<void> RolloutLog::write(const LoggedRollout& logged) {
  return state_->feed(to_json_line(logged) + "\n", ZSTD_e_continue);
}

Result<void> RolloutLog::close() {
  if (Result<void> ended = state_->feed({}, ZSTD_e_end); !ended) return ended;
  state_->file = FileDescriptor();
  return {};
}

}  // namespace assay::store

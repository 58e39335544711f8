#include "actors/cli/run_client.h"

#include <chrono>

#include "runtime/core/file.h"
#include "runtime/net/socket.h"

namespace assay::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kAnswerTimeout{8000};

// Why nobody answered, and what to do instead.
Error silence(const store::RunPaths& paths) {
  Error error{ErrorCode::kUnavailable, "no process is running in " + paths.root(), {}, {}, "E501"};
  if (is_alive(paths)) {
    error.message = "the process that runs in " + paths.root() + " does not answer";
    error.remedy = "it is starting, ending or has status.enabled = false: ask again";
  } else if (path_exists(paths.report_page())) {
    error.remedy = "it is done: open " + paths.report_page();
  } else {
    error.remedy = "it stopped before its end: go on with `assay run ... --resume`";
  }
  return error;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

bool is_alive(const store::RunPaths& paths) {
  const Result<std::int64_t> process = store::running_process(paths);
  return process && *process > 0;
}

Result<store::RunPaths> find_run_or_live(const std::string& run) {
  return run.empty() ? store::find_live_run() : store::find_run(run);
}

Result<json> ask_run(const store::RunPaths& paths, const json& request) {
  Result<net::StatusClient> client = net::StatusClient::connect(paths.status_socket());
  if (!client) return silence(paths);
  Result<std::string> answer = client->request(json_text(request), kAnswerTimeout);
  if (!answer) return silence(paths);
  json object = parse_json(*answer);
  if (!object.is_object()) {
    return Error{ErrorCode::kCorrupt, "the run answered something that is no object", {}, {}, {}};
  }
  if (object.contains("error")) {
    const bool is_refused = object.value("is_refused", false);
    return Error{is_refused ? ErrorCode::kInvalidInput : ErrorCode::kUnavailable,
                 text_of(object, "error"),
                 text_of(object, "remedy"),
                 {},
                 {}};
  }
  return object;
}

}  // namespace assay::cli

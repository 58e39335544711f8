#include "runtime/store/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/core/limits.h"

namespace assay::store {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifestName = "checkpoint.json";
constexpr std::size_t kFilesMax = 4096;

Error corrupt(std::string message) {
  return Error{ErrorCode::kCorrupt,
               std::move(message),
               "an older checkpoint will be used where there is one",
               {},
               {}};
}

Error file_error(std::string_view attempt, const std::string& path, const std::error_code& error) {
  errno = error.value();
  return errno_error(attempt, path);
}

Result<CheckpointFile> describe(const std::string& folder, const std::string& name) {
  const Result<MappedFile> file = MappedFile::open(folder + "/" + name);
  if (!file) return file.error();
  return CheckpointFile{name, file->bytes().size(), sha256(file->bytes())};
}

bool is_safe_name(const std::string& name) {
  if (name.empty() || name.front() == '/' || name == kManifestName) return false;
  const fs::path path(name);
  return std::none_of(path.begin(), path.end(),
                      [](const fs::path& part) { return part == ".." || part == "."; });
}

// Files below the folder, sorted by relative name, without the manifest and its temporary.
Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator end;
  for (fs::recursive_directory_iterator entry(folder, error); !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error)) continue;
    const std::string name = fs::relative(entry->path(), folder, error).string();
    if (name == kManifestName || name == std::string(kManifestName) + ".tmp") continue;
    names.push_back(name);
  }
  if (error) return file_error("list checkpoint", folder, error);
  std::sort(names.begin(), names.end());
  return names;
}

std::string to_text(const CheckpointManifest& manifest) {
  json files = json::array();
  for (const CheckpointFile& file : manifest.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256.hex()}});
  const json object = {{"assay", 1},
                       {"step", manifest.step},
                       {"version", manifest.version.value},
                       {"weights", manifest.weights.hex()},
                       {"files", files}};
  return json_text(object, 2) + "\n";
}

Digest digest_of(const json& value) {
  const Result<Digest> digest = parse_digest(value.get<std::string>());
  if (!digest) throw std::runtime_error(digest.error().message);
  return *digest;
}

CheckpointManifest manifest_of(const json& object) {
  CheckpointManifest manifest;
  manifest.step = object.at("step").get<std::uint64_t>();
  manifest.version.value = object.at("version").get<std::uint64_t>();
  manifest.weights = digest_of(object.at("weights"));
  if (object.at("files").size() > kFilesMax) throw std::runtime_error("it lists too many files");
  for (const json& entry : object.at("files")) {
    CheckpointFile file;
    file.name = entry.at("name").get<std::string>();
    file.bytes = entry.at("bytes").get<std::uint64_t>();
    file.sha256 = digest_of(entry.at("sha256"));
    if (!is_safe_name(file.name)) throw std::runtime_error("it names the file '" + file.name + "'");
    manifest.files.push_back(std::move(file));
  }
  return manifest;
}

Result<CheckpointManifest> read_manifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifestName;
  const Result<std::string> text = read_file(path, limits::kMiB);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) {
      return Error{ErrorCode::kNotFound,
                   "checkpoint " + folder + " has no " + kManifestName + ": it was never finished",
                   {},
                   {},
                   {}};
    }
    return text.error();
  }
  try {
    return manifest_of(parse_json(*text));
  } catch (const std::exception& failure) {
    return corrupt(path + " is damaged: " + failure.what());
  }
}

std::optional<std::uint64_t> step_of(const std::string& name) {
  constexpr std::string_view kPrefix = "step_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::uint64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [last, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || last != end) return std::nullopt;
  // "step_007" is not a name we make, and would be confused with step_7.
  return "step_" + std::to_string(step) == name ? std::optional(step) : std::nullopt;
}

Result<void> remove_folder(const std::string& folder) {
  std::error_code error;
  // The manifest goes first: a half-deleted checkpoint must not look whole.
  fs::remove(folder + "/" + kManifestName, error);
  fs::remove_all(folder, error);
  if (error) return file_error("delete checkpoint", folder, error);
  return {};
}

}  // namespace

Result<CheckpointManifest> CheckpointStore::seal(std::uint64_t step, PolicyVersion version,
                                                 const Digest& weights) const {
  const std::string path = folder(step);
  Result<std::vector<std::string>> names = names_in(path);
  if (!names) return names.error();
  CheckpointManifest manifest{step, version, weights, {}};
  for (const std::string& file_name : *names) {
    Result<CheckpointFile> file = describe(path, file_name);
    if (!file) return file.error();
    manifest.files.push_back(std::move(*file));
  }
  Result<void> written = write_file_durably(path + "/" + kManifestName, to_text(manifest));
  if (!written) return written.error();
  if (Result<void> synced = sync_folder(root_); !synced) return synced.error();
  return manifest;
}

Result<void> CheckpointStore::publish(std::uint64_t step) const {
  const std::string temporary = root_ + "/latest.tmp";
  ::unlink(temporary.c_str());
  if (::symlink(name(step).c_str(), temporary.c_str()) != 0) return errno_error("link", temporary);
  if (std::rename(temporary.c_str(), (root_ + "/latest").c_str()) != 0)
    return errno_error("rename onto", root_ + "/latest");
  return sync_folder(root_);
}

Result<CheckpointManifest> CheckpointStore::verify(std::uint64_t step) const {
  const std::string path = folder(step);
  Result<CheckpointManifest> manifest = read_manifest(path);
  if (!manifest) return manifest.error();
  if (manifest->step != step)
    return corrupt("checkpoint " + path + " says that it is of step " +
                   std::to_string(manifest->step));
  for (const CheckpointFile& expected : manifest->files) {
    const std::string file_path = path + "/" + expected.name;
    const Result<CheckpointFile> found = describe(path, expected.name);
    if (!found) return corrupt("checkpoint file " + file_path + ": " + found.error().message);
    if (found->bytes != expected.bytes) {
      return corrupt("checkpoint file " + file_path + " has " + std::to_string(found->bytes) +
                     " bytes instead of " + std::to_string(expected.bytes));
    }
    if (found->sha256 != expected.sha256)
      return corrupt("checkpoint file " + file_path + " does not have the recorded SHA-256");
  }
  return manifest;
}

Result<std::vector<std::uint64_t>> CheckpointStore::list() const {
  std::vector<std::uint64_t> steps;
  if (!path_exists(root_)) return steps;
  std::error_code error;
  const fs::directory_iterator end;
  for (fs::directory_iterator entry(root_, error); !error && entry != end; entry.increment(error)) {
    const std::optional<std::uint64_t> step = step_of(entry->path().filename().string());
    if (step && !entry->is_symlink(error) && entry->is_directory(error)) steps.push_back(*step);
  }
  if (error) return file_error("list", root_, error);
  std::sort(steps.begin(), steps.end());
  return steps;
}

Result<FoundCheckpoint> CheckpointStore::newest_whole(std::uint64_t step_max) const {
  Result<std::vector<std::uint64_t>> steps = list();
  if (!steps) return steps.error();
  FoundCheckpoint found;
  for (auto step = steps->rbegin(); step != steps->rend(); ++step) {
    if (*step > step_max) continue;
    Result<CheckpointManifest> manifest = verify(*step);
    if (!manifest) {
      found.skipped.push_back(manifest.error());
      continue;
    }
    found.folder = folder(*step);
    found.manifest = std::move(*manifest);
    return found;
  }
  return found;
}

Result<std::vector<std::uint64_t>> CheckpointStore::prune(std::size_t count,
                                                          std::uint64_t needed) const {
  Result<std::vector<std::uint64_t>> steps = list();
  if (!steps) return steps.error();
  std::error_code ignored;
  const std::optional<std::uint64_t> latest =
      step_of(fs::read_symlink(root_ + "/latest", ignored).string());
  std::vector<std::uint64_t> removed;
  const std::size_t excess = steps->size() > count ? steps->size() - count : 0;
  for (std::size_t i = 0; i < excess; ++i) {
    const std::uint64_t step = (*steps)[i];
    const bool is_needed = step <= needed && (i + 1 == steps->size() || (*steps)[i + 1] > needed);
    if (is_needed || latest == step) continue;
    if (Result<void> gone = remove_folder(folder(step)); !gone) return gone.error();
    removed.push_back(step);
  }
  return removed;
}

Result<std::vector<std::uint64_t>> CheckpointStore::remove_after(std::uint64_t step) const {
  Result<std::vector<std::uint64_t>> steps = list();
  if (!steps) return steps.error();
  std::vector<std::uint64_t> removed;
  for (const std::uint64_t candidate : *steps) {
    if (candidate <= step) continue;
    if (Result<void> gone = remove_folder(folder(candidate)); !gone) return gone.error();
    removed.push_back(candidate);
  }
  return removed;
}

}  // namespace assay::store

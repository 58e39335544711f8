#include <gtest/gtest.h>

#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

// A library and the only files that may include it, by how their paths begin.
struct Fence {
  const char* header;  // how its includes begin
  std::vector<const char*> owners;
};

const Fence kFences[] = {
    {"caf/", {"actors/", "tests/actors/"}},
    {"zmq", {"runtime/net/", "tests/runtime/net/"}},
    {"msgpack", {"runtime/wire/codec", "tests/runtime/wire/"}},
    {"toml++/", {"runtime/config/toml_file.cpp"}},
    {"CLI/", {"actors/cli/option_set.cpp"}},
    {"boost/asio", {"verifiers/http/http_client.cpp"}},
    {"boost/beast", {"verifiers/http/http_client.cpp"}},
    {"openssl/", {"runtime/core/digest.cpp", "verifiers/http/tls.cpp"}},
    {"sqlite3.h",
     {"runtime/store/", "verifiers/sql/", "tests/runtime/store/", "tests/verifiers/sql/"}},
    {"libpq", {"verifiers/sql/postgres_connection.cpp"}},
    {"zstd.h", {"runtime/store/", "tests/runtime/store/"}},
    {"spdlog/", {"runtime/telemetry/log.cpp"}},
    {"cuda", {"gpu/cuda/", "tests/gpu/"}},
    {"cublas", {"gpu/cuda/"}},
    {"linux/seccomp", {"verifiers/sandbox/"}},
    {"seccomp.h", {"verifiers/sandbox/"}},
    {"linux/landlock", {"verifiers/sandbox/"}},
    {"Python.h", {"verifiers/code/python/"}},
    {"flint/", {"verifiers/math/flint_fence.cpp"}},
    {"arb.h", {"verifiers/math/flint_fence.cpp"}},
    {"acb.h", {"verifiers/math/flint_fence.cpp"}},
    {"boost/multiprecision/", {"verifiers/math/exact_number.cpp"}},
    {"re2/", {"verifiers/text/pattern.cpp"}},
    {"immintrin.h", {"gpu/host/", "tests/gpu/"}},
};

bool is_owner(const Fence& fence, const SourceFile& file) {
  for (const char* owner : fence.owners) {
    if (file.is_below(owner)) return true;
  }
  return false;
}

TEST(Fences, EachLibraryStaysWithItsOwner) {
  for (const SourceFile& file : source_files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string target = included(file.lines[i]);
      for (const Fence& fence : kFences) {
        if (!target.starts_with(fence.header)) continue;
        EXPECT_TRUE(is_owner(fence, file)) << place(file, i) << " includes " << target;
      }
    }
  }
}

// The folder of a file, with its slash.
std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

// True when some file outside the header's own folder includes it.
bool is_seen_outside(const SourceFile& header) {
  for (const SourceFile& file : source_files()) {
    if (folder_of(file.path) == folder_of(header.path)) continue;
    for (const std::string& line : file.lines) {
      if (included(line) == header.path) return true;
    }
  }
  return false;
}

// CAF appears in headers of actors, JSON values in runtime/core/json.h; no other header that a
// second room sees shows a library.
TEST(Fences, HeadersShowNoLibrary) {
  for (const SourceFile& file : source_files()) {
    if (!file.is_header() || file.is_below("tests/") || !is_seen_outside(file)) continue;
    if (file.path == "runtime/core/json.h") continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string target = included(file.lines[i]);
      for (const char* library : {"nlohmann/", "fmt/", "boost/", "spdlog/", "zmq", "sqlite3"}) {
        EXPECT_FALSE(target.starts_with(library)) << place(file, i) << " shows " << target;
      }
    }
  }
}

}  // namespace
}  // namespace assay::tidy

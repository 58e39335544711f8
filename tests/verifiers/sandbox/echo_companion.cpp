// A companion for the tests of ChildProcess: answers each frame with what it was told to do.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/frame.h"
#include "verifiers/sandbox/seclusion.h"

extern char** environ;

namespace {

using namespace assay::sandbox;

std::string environment() {
  std::string all;
  for (char** entry = environ; *entry != nullptr; ++entry) all += std::string(*entry) + ";";
  return all;
}

// What a secluded process can still do that it must not, a word each.
std::string escapes() {
  std::string all;
  const auto note = [&all](const char* what, bool has_succeeded) {
    if (has_succeeded) all += std::string(what) + ";";
  };
  for (const char* path : {"/", "/etc/passwd", "/proc/self/status", "/dev/null"}) {
    note("read", ::open(path, O_RDONLY) >= 0);
  }
  note("write", ::open("/tmp/assay-secluded", O_WRONLY | O_CREAT, 0600) >= 0);
  note("remove", ::unlink("/tmp/assay-secluded") == 0);
  note("socket", ::socket(AF_INET, SOCK_STREAM, 0) >= 0);
  note("signal", ::getppid() != 0 && ::kill(::getppid(), 0) == 0);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  note("fork", child > 0);
  // Without a process to spare it would be this one that is gone, and no answer comes.
  if (child < 0) ::execl("/usr/bin/true", "true", nullptr);
  note("limit", [] {
    const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_FSIZE, &more) == 0;
  }());
  note("code", ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  return all;
}

// "LEVEL escapes", or what kept it from being secluded.
std::string secluded(int level_max) {
  const rlimit none{0, 0};
  const auto reached = seclude(static_cast<IsolationLevel>(level_max),
                               [&none] { ::setrlimit(RLIMIT_FSIZE, &none); });
  if (!reached) return reached.error().message;
  return std::string(to_string(reached->level)) + " " + escapes();
}

}  // namespace

int main(int, char** args) {
  std::cout << "what a companion prints is no answer" << std::endl;
  while (true) {
    const auto frame = read_frame(kCompanionSocket, 1 << 20, kNoDeadline);
    if (!frame) ::_exit(0);
    std::string answer = *frame;
    if (*frame == "sleep") std::this_thread::sleep_for(std::chrono::hours(1));
    if (*frame == "crash") std::abort();
    if (*frame == "environment") answer = environment();
    if (*frame == "argument") answer = args[1];
    if (frame->starts_with("seclude ")) answer = secluded(std::atoi(frame->c_str() + 8));
    if (*frame == "pid") answer = std::to_string(::getpid());
    if (*frame == "boast") answer.resize(2 << 20);
    if (!write_frame(kCompanionSocket, answer, kNoDeadline)) return 1;
  }
}

// A companion for the tests of ChildProcess: answers each frame with what it was told to do.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/frame.h"

extern char** environ;

namespace {

using namespace assay::sandbox;

std::string environment() {
  std::string all;
  for (char** entry = environ; *entry != nullptr; ++entry) all += std::string(*entry) + ";";
  return all;
}

}  // namespace

int main(int, char** args) {
  std::cout << "what a companion prints is no answer" << std::endl;
  while (true) {
    const auto frame = read_frame(kCompanionSocket, 1 << 20, kNoDeadline);
    if (!frame) return 0;
    std::string answer = *frame;
    if (*frame == "sleep") std::this_thread::sleep_for(std::chrono::hours(1));
    if (*frame == "crash") std::abort();
    if (*frame == "environment") answer = environment();
    if (*frame == "argument") answer = args[1];
    if (*frame == "boast") answer.resize(2 << 20);
    if (!write_frame(kCompanionSocket, answer, kNoDeadline)) return 1;
  }
}

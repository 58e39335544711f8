#include "actors/cli/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace assay::cli {

namespace {

std::atomic<bool> g_is_interrupted = false;
std::atomic<int> g_signal = 0;

// A person who insists is right.
extern "C" void on_signal(int number) {
  if (g_is_interrupted.exchange(true)) ::_exit(128 + number);
  g_signal = number;
}

}  // namespace

const std::atomic<bool>& listen_to_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return g_is_interrupted;
}

ExitCode interrupt_exit_code() {
  return g_signal == SIGTERM ? ExitCode::kTerminated : ExitCode::kInterrupted;
}

}  // namespace assay::cli

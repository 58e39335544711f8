// A judge on loopback that misbehaves on command: real sockets, one thread a connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/core/file.h"

namespace assay::testing {

// One connection, seen from the server.
class JudgeConnection {
 public:
  JudgeConnection(int socket, const std::atomic<bool>& is_stopping)
      : socket_(socket), is_stopping_(is_stopping) {}

  // False when the client is gone.
  bool send(const std::string& bytes) const;
  // Waits, but not beyond the server's end.
  void wait(std::chrono::milliseconds time) const;
  // An orderly answer.
  void answer(unsigned status, const std::string& body, const std::string& headers = "") const;
  // Closes with a reset.
  void drop() const;

 private:
  int socket_;
  const std::atomic<bool>& is_stopping_;
};

class JudgeServer {
 public:
  // `behaviour` gets every request, head and body, and answers it as it likes.
  using Behaviour = std::function<void(const JudgeConnection&, const std::string& request)>;

  explicit JudgeServer(Behaviour behaviour);
  ~JudgeServer();
  JudgeServer(const JudgeServer&) = delete;
  JudgeServer& operator=(const JudgeServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/judge"; }
  int request_count() const { return request_count_; }
  std::string last_request() const;

 private:
  void accept_all();
  void serve(int socket);

  Behaviour behaviour_;
  FileDescriptor listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<int> request_count_ = 0;
  mutable std::mutex mutex_;
  std::string last_request_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace assay::testing

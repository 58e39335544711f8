#include "runtime/net/socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>
#include <zmq.hpp>

#include "runtime/core/limits.h"
#include "tests/support/temporary_folder.h"

namespace assay::net {
namespace {

using assay::testing::TemporaryFolder;
using namespace std::chrono_literals;

// Answers every request with "<prefix><body>" until it is told to stop.
class Echo {
 public:
  explicit Echo(const std::string& path) : server_(StatusServer::bind(path)) {
    thread_ = std::thread([this] {
      while (!is_stopping_) {
        Result<std::optional<StatusRequest>> request = server_->poll(5ms);
        if (!request || !*request) continue;
        EXPECT_TRUE(server_->reply(**request, "re:" + (*request)->body));
      }
    });
  }
  ~Echo() {
    is_stopping_ = true;
    thread_.join();
  }
  StatusServerCounters stop() {
    is_stopping_ = true;
    while (thread_.joinable()) thread_.join();
    const StatusServerCounters counters = server_->counters();
    thread_ = std::thread([] {});
    return counters;
  }

 private:
  Result<StatusServer> server_;
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

TEST(StatusSocket, AttachesAndAnswersWellWithin200Milliseconds) {
  const TemporaryFolder folder;
  const Echo echo(folder.path("status.sock"));
  const auto start = std::chrono::steady_clock::now();
  Result<StatusClient> client = StatusClient::connect(folder.path("status.sock"));
  ASSERT_TRUE(client) << client.error().message;
  const Result<std::string> answer = client->request("status", 1000ms);
  const auto spent = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "re:status");
  EXPECT_LT(spent, 200ms);
  std::cout << "attached and answered in "
            << std::chrono::duration<double, std::milli>(spent).count() << " ms\n";
}

TEST(StatusSocket, SeveralClientsGetTheirOwnAnswers) {
  const TemporaryFolder folder;
  const Echo echo(folder.path("status.sock"));
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&folder, id] {
      Result<StatusClient> client = StatusClient::connect(folder.path("status.sock"));
      ASSERT_TRUE(client);
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(id) + "/" + std::to_string(i);
        const Result<std::string> answer = client->request(body, 2000ms);
        ASSERT_TRUE(answer);
        EXPECT_EQ(*answer, "re:" + body);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(StatusSocket, APathFarBeyondTheKernelsLimitWorks) {
  const TemporaryFolder folder;
  std::string deep = folder.root();
  while (deep.size() < 300) deep += "/a_long_folder_name_of_a_run";
  std::filesystem::create_directories(deep);
  const Echo echo(deep + "/status.sock");
  Result<StatusClient> client = StatusClient::connect(deep + "/status.sock");
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(*client->request("x", 1000ms), "re:x");
  EXPECT_EQ(StatusServer::bind(folder.path(std::string(80, 'n'))).error().code,
            ErrorCode::kInvalidInput);
}

TEST(StatusSocket, TheFileIsItsOwnersAloneAndGoesWithTheServer) {
  const TemporaryFolder folder;
  const std::string path = folder.path("status.sock");
  {
    const Result<StatusServer> server = StatusServer::bind(path);
    ASSERT_TRUE(server);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(StatusSocket, AStaleFileOfADeadRunIsReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder.path("status.sock");
  std::ofstream(path) << "left behind";
  const Echo echo(path);
  Result<StatusClient> client = StatusClient::connect(path);
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->request("x", 1000ms));
}

TEST(StatusSocket, WithoutARunThereIsAClearErrorAndNoHang) {
  const TemporaryFolder folder;
  EXPECT_EQ(StatusClient::connect(folder.path("none.sock")).error().code, ErrorCode::kNotFound);
  std::ofstream(folder.path("file")) << "x";
  EXPECT_EQ(StatusClient::connect(folder.path("file")).error().code, ErrorCode::kInvalidInput);
}

TEST(StatusSocket, ASilentServerTimesOutAndALateAnswerIsNotTakenForTheNext) {
  const TemporaryFolder folder;
  const std::string path = folder.path("status.sock");
  Result<StatusServer> server = StatusServer::bind(path);
  Result<StatusClient> client = StatusClient::connect(path);
  ASSERT_TRUE(client);
  EXPECT_EQ(client->request("first", 30ms).error().code, ErrorCode::kTimedOut);
  const Result<std::optional<StatusRequest>> late = server->poll(1000ms);
  ASSERT_TRUE(late && *late);
  EXPECT_EQ((*late)->body, "first");
  ASSERT_TRUE(server->reply(**late, "old"));
  std::thread answering([&server] {
    const Result<std::optional<StatusRequest>> next = server->poll(1000ms);
    ASSERT_TRUE(next && *next);
    EXPECT_TRUE(server->reply(**next, "new"));
  });
  EXPECT_EQ(*client->request("second", 1000ms), "new");
  answering.join();
}

TEST(StatusSocket, GarbageIsIgnoredAndCounted) {
  const TemporaryFolder folder;
  Echo echo(folder.path("status.sock"));
  zmq::context_t context;
  zmq::socket_t stranger(context, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.connect("ipc://" + folder.path("status.sock"));
  stranger.send(zmq::str_buffer("one part"), zmq::send_flags::none);
  for (int i = 0; i < 5; ++i)
    stranger.send(zmq::str_buffer("part"),
                  i < 4 ? zmq::send_flags::sndmore : zmq::send_flags::none);
  stranger.send(zmq::str_buffer("wrongmark"), zmq::send_flags::sndmore);
  stranger.send(zmq::str_buffer("body"), zmq::send_flags::none);
  // A message beyond the limit costs the stranger its connection, nobody else anything.
  zmq::socket_t flood(context, zmq::socket_type::dealer);
  flood.set(zmq::sockopt::linger, 0);
  flood.connect("ipc://" + folder.path("status.sock"));
  flood.send(zmq::message_t(limits::kControlFrameBytesMax + 1), zmq::send_flags::none);

  Result<StatusClient> client = StatusClient::connect(folder.path("status.sock"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(*client->request("x", 1000ms), "re:x");
  const StatusServerCounters counters = echo.stop();
  EXPECT_EQ(counters.garbage, 3u);
  EXPECT_EQ(counters.requests, 20u);
}

TEST(StatusSocket, AReplyToSomebodyGoneIsDroppedAndCounted) {
  const TemporaryFolder folder;
  const std::string path = folder.path("status.sock");
  Result<StatusServer> server = StatusServer::bind(path);
  std::optional<StatusRequest> request;
  {
    Result<StatusClient> client = StatusClient::connect(path);
    EXPECT_FALSE(client->request("x", 20ms));
    request = *server->poll(1000ms);
  }
  ASSERT_TRUE(request.has_value());
  for (int i = 0; i < 200 && server->counters().dropped_replies == 0; ++i) {
    EXPECT_TRUE(server->reply(*request, "too late"));
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_GT(server->counters().dropped_replies, 0u);
}

TEST(StatusSocket, BodiesBeyondTheLimitsAreRefusedBeforeTheyAreSent) {
  const TemporaryFolder folder;
  const Echo echo(folder.path("status.sock"));
  Result<StatusClient> client = StatusClient::connect(folder.path("status.sock"));
  const std::string large(limits::kControlFrameBytesMax + 1, 'x');
  EXPECT_EQ(client->request(large, 100ms).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace assay::net

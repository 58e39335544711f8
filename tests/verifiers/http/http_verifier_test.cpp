#include "verifiers/http/http_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "runtime/core/json.h"
#include "runtime/core/rng.h"
#include "tests/verifiers/http/judge_server.h"
#include "verifiers/case_file.h"

namespace assay::verifiers {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::JudgeConnection;
using testing::JudgeServer;
using ::testing::Not;
using wire::Outcome;
using wire::VerdictCode;

Result<std::unique_ptr<Verifier>> make(const std::string& url, Json more = Json::object()) {
  Json options = {{"url", url}, {"canary_rate", 0}, {"timeout_s", 0.3}, {"attempts", 1}};
  options.update(more);
  return make_verifier("http", json_text(options));
}

wire::Verdict judge(const std::string& url, std::string_view completion = "four",
                    Json more = Json::object()) {
  wire::Prompt prompt;
  prompt.text = "2+2?";
  prompt.reference = "4";
  return (*make(url, std::move(more)))->verify(prompt, completion);
}

TEST(HttpVerifier, SaysWhatTheJudgeSays) {
  JudgeServer server([](const JudgeConnection& connection, const std::string& request) {
    const Json body = parse_json(request.substr(request.find("\r\n\r\n") + 4));
    const bool is_right = body["completion"] == "four" && body["reference"] == "4";
    connection.answer(200, json_text(Json{{"pass", is_right}, {"reason", "it is\nso"}}));
  });

  const wire::Verdict right = judge(server.url());
  const wire::Verdict wrong = judge(server.url(), "five");

  EXPECT_EQ(right.outcome, Outcome::kCorrect);
  EXPECT_EQ(right.reward, 1.0);
  EXPECT_EQ(right.reason, "the judge says \"it is so\"");
  EXPECT_EQ(wrong.code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(wrong.reward, 0.0);
}

TEST(HttpVerifier, RewardsTheScoreUpToItsCap) {
  JudgeServer server([](const JudgeConnection& connection, const std::string&) {
    connection.answer(200, R"({"score": 0.9})");
  });

  EXPECT_EQ(judge(server.url(), "x", {{"reward", "score"}}).reward, 0.9);
  EXPECT_EQ(judge(server.url(), "x", {{"reward", "score"}, {"reward_cap", 0.8}}).reward, 0.8);
  EXPECT_EQ(judge(server.url(), "x", {{"threshold", 0.95}}).outcome, Outcome::kIncorrect);
}

struct Misbehaviour {
  const char* name;
  JudgeServer::Behaviour behaviour;
};

std::vector<Misbehaviour> misbehaviours() {
  const auto say = [](unsigned status, std::string body, std::string headers = "") {
    return [=](const JudgeConnection& connection, const std::string&) {
      connection.answer(status, body, headers);
    };
  };
  const auto raw = [](std::string bytes) {
    return [=](const JudgeConnection& connection, const std::string&) { connection.send(bytes); };
  };
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  return {
      {"never answers", [](const JudgeConnection& c, const std::string&) { c.wait(10s); }},
      {"is slow",
       [](const JudgeConnection& c, const std::string&) {
         c.wait(500ms);
         c.answer(200, R"({"pass": true})");
       }},
      {"drips",
       [ok](const JudgeConnection& c, const std::string&) {
         c.send(ok + "Content-Length: 14\r\n\r\n");
         for (const char letter : std::string(R"({"pass": true})")) {
           if (!c.send(std::string(1, letter))) return;
           c.wait(100ms);
         }
       }},
      {"drips its head",
       [](const JudgeConnection& c, const std::string&) {
         c.send("HTTP/1.1 200 OK\r\n");
         while (c.send("X-Y: z\r\n")) c.wait(50ms);
       }},
      {"drops", [](const JudgeConnection& c, const std::string&) { c.drop(); }},
      {"closes without a word", [](const JudgeConnection&, const std::string&) {}},
      {"closes in its body", raw(ok + "Content-Length: 100\r\n\r\n{\"pass\": true")},
      {"has a head without end", raw("HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x'))},
      {"speaks no HTTP", raw("SSH-2.0-OpenSSH\r\n\r\n")},
      {"fails", say(500, R"({"pass": true})")},
      {"is overloaded", say(429, R"({"pass": true})", "Retry-After: 1\r\n")},
      {"redirects", say(302, R"({"pass": true})", "Location: http://127.0.0.1:1/\r\n")},
      {"is not found", say(404, R"({"pass": true})")},
      {"says 204", say(204, "")},
      {"answers rubbish", say(200, "]]]]")},
      {"answers prose", say(200, "I would say that it passes")},
      {"answers a list", say(200, R"([{"pass": true}])")},
      {"has a score that is no number", say(200, R"({"score": NaN})")},
      {"has an infinite score", say(200, R"({"score": 1e400})")},
      {"has a score out of range", say(200, R"({"score": 2})")},
      {"answers twice", say(200, R"({"pass": true}{"pass": true})")},
      {"has more keys", say(200, R"({"pass": true, "shell": "id"})")},
      {"nests deeply", say(200, std::string(50'000, '['))},
      {"has a huge body", say(200, "{\"reason\": \"" + std::string(3 << 20, 'x') + "\"}")},
      {"claims a huge body", raw(ok + "Content-Length: 99999999999\r\n\r\n{")},
      {"chunks without end",
       [ok](const JudgeConnection& c, const std::string&) {
         c.send(ok + "Transfer-Encoding: chunked\r\n\r\n");
         while (c.send("400\r\n" + std::string(1024, ' ') + "\r\n")) c.wait(1ms);
       }},
      {"is of another type",
       raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n"
           "{\"pass\": true}")},
      {"has two lengths",
       raw(ok + "Content-Length: 14\r\nContent-Length: 3\r\n\r\n{\"pass\": true}")},
  };
}

TEST(HttpVerifier, AJudgeThatMisbehavesLeavesTheCompletionUnscored) {
  for (const Misbehaviour& one : misbehaviours()) {
    JudgeServer server(one.behaviour);
    const auto start = std::chrono::steady_clock::now();

    const wire::Verdict first = judge(server.url());
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    const wire::Verdict second = judge(server.url());

    EXPECT_EQ(first.outcome, Outcome::kUnscored) << one.name << ": " << first.reason;
    EXPECT_EQ(first.code, VerdictCode::kJudgeUnavailable) << one.name;
    EXPECT_FALSE(first.reward) << one.name;
    EXPECT_LT(spent.count(), 1.0) << one.name;
    EXPECT_EQ(verdict_record("x", first), verdict_record("x", second)) << one.name;
  }
}

TEST(HttpVerifier, DamagedAnswersAreOnlyRead) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
      "Retry-After: 1\r\n\r\n7\r\n{\"pass\"\r\n7\r\n: true}\r\n0\r\n\r\n";
  std::atomic<std::uint64_t> round = 0;
  JudgeServer server([&](const JudgeConnection& connection, const std::string&) {
    Rng rng(++round);
    std::string bytes = whole;
    for (std::uint64_t i = rng.below(4); i > 0; --i) {
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    }
    if (rng.next_bool(0.3)) bytes.resize(rng.below(bytes.size()));
    connection.send(bytes);
  });
  int believed = 0;
  for (int i = 0; i < 400; ++i) {
    const wire::Verdict verdict = judge(server.url());
    EXPECT_NE(verdict.outcome, Outcome::kIncorrect) << "none of them says so";
    believed += verdict.outcome == Outcome::kCorrect;
  }
  EXPECT_GT(believed, 50);
  EXPECT_LT(believed, 350);
}

TEST(HttpVerifier, AJudgeThatIsNotThereLeavesTheCompletionUnscored) {
  std::string url;
  {
    JudgeServer server([](const JudgeConnection&, const std::string&) {});
    url = server.url();
  }
  const wire::Verdict verdict = judge(url);

  EXPECT_EQ(verdict.outcome, Outcome::kUnscored);
  EXPECT_EQ(verdict.code, VerdictCode::kJudgeUnavailable);
}

TEST(HttpVerifier, RecoversWhenTheJudgeDoes) {
  std::atomic<int> calls = 0;
  JudgeServer server([&](const JudgeConnection& connection, const std::string&) {
    if (++calls == 1) return connection.drop();
    connection.answer(200, R"({"pass": true})");
  });

  EXPECT_EQ(judge(server.url(), "four", {{"attempts", 2}}).outcome, Outcome::kCorrect);
  EXPECT_EQ(server.request_count(), 2);
}

TEST(HttpVerifier, EqualQuestionsReachTheServerOnce) {
  JudgeServer server([](const JudgeConnection& connection, const std::string&) {
    connection.wait(50ms);
    connection.answer(200, R"({"pass": true})");
  });
  const auto verifier = *make(server.url());
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back(
        [&] { EXPECT_EQ(verifier->verify({}, "same").outcome, Outcome::kCorrect); });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(server.request_count(), 1);
}

TEST(HttpVerifier, WhatCannotBeRightIsNotSent) {
  JudgeServer server([](const JudgeConnection& connection, const std::string&) {
    connection.answer(200, R"({"pass": true})");
  });

  EXPECT_EQ(judge(server.url(), " \n").code, VerdictCode::kNoAnswer);
  EXPECT_EQ(judge(server.url(), std::string(100'000, 'x')).code, VerdictCode::kOutputLimit);
  EXPECT_EQ(server.request_count(), 0);
}

TEST(HttpVerifier, MasterKeysDoNotFoolAJudgeThatFallsForThem) {
  // A judge that passes any text that promises reasoning: without canaries it would be believed.
  JudgeServer server([](const JudgeConnection& connection, const std::string&) {
    connection.answer(200, R"({"pass": true})");
  });
  const auto verifier = *make(server.url(), {{"canary_rate", 1}});
  for (const char* key : {":", "Thought process:", "Solution", "Let's solve this step by step."}) {
    EXPECT_EQ(verifier->verify({}, key).outcome, Outcome::kUnscored) << key;
  }
}

TEST(HttpVerifier, TheKeyIsSentAndShownNowhere) {
  ::setenv("ASSAY_TEST_JUDGE_KEY", "s3cret-value", 1);
  JudgeServer server(
      [](const JudgeConnection& connection, const std::string&) { connection.answer(401, "{}"); });

  const wire::Verdict verdict =
      judge(server.url(), "four", {{"api_key_env", "ASSAY_TEST_JUDGE_KEY"}});

  EXPECT_THAT(server.last_request(), HasSubstr("Authorization: Bearer s3cret-value"));
  EXPECT_THAT(verdict_record("x", verdict), Not(HasSubstr("s3cret")));
}

TEST(HttpVerifier, RefusesOptionsThatCannotWork) {
  const auto refusal = [](const Json& options) {
    const auto made = make_verifier("http", json_text(options));
    return made ? Error{} : made.error();
  };

  EXPECT_THAT(refusal(Json::object()).message, HasSubstr("\"url\" is missing"));
  EXPECT_EQ(refusal(Json::object()).id, "E403");
  for (const char* url : {"ftp://x/", "http://", "http://a b/", "http://u:p@h/", "http://h:0/",
                          "http://h:99999/", "http://h:x/", "http://h/#f", "judge"}) {
    EXPECT_EQ(refusal({{"url", url}}).id, "E403") << url;
  }
  const Error no_key = refusal({{"url", "http://h/"}, {"api_key_env", "ASSAY_NO_SUCH_KEY"}});
  EXPECT_THAT(no_key.message, HasSubstr("ASSAY_NO_SUCH_KEY"));
  EXPECT_THAT(refusal({{"url", "http://h/"}, {"treshold", 1}}).remedy, HasSubstr("threshold"));
}

}  // namespace
}  // namespace assay::verifiers

// HTTPS against a real TLS server: openssl's own, with a certificate made for the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "runtime/core/json.h"
#include "tests/support/program.h"
#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kOpenssl = "/usr/bin/openssl";

class Https : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kOpenssl, X_OK) != 0) {
      std::cerr << "SKIPPED, NOTHING IS TESTED ON HTTPS: install the package openssl\n";
      GTEST_SKIP() << "no " << kOpenssl;
    }
    const auto made = testing::run_program(
        kOpenssl, {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                   "-nodes", "-keyout", key_, "-out", certificate_, "-days", "2", "-subj",
                   "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    // What s_server reads from its standard input it sends to its client.
    std::ofstream(folder_.path("answer"))
        << "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
        << R"({"pass": true})";
    server_ = std::make_unique<testing::RunningProgram>(
        "/bin/sh", std::vector<std::string>{
                       "-c", "exec " + std::string(kOpenssl) +
                                 " s_server -accept 127.0.0.1:0 -naccept 1 -cert " + certificate_ +
                                 " -key " + key_ + " < " + folder_.path("answer")});
    ASSERT_TRUE(server_->wait_until([&] { return !port().empty(); }, 10s)) << server_->err();
  }
  void TearDown() override { ::unsetenv("SSL_CERT_FILE"); }

  std::string port() const {
    constexpr std::string_view kSaid = "ACCEPT 127.0.0.1:";
    const std::string out = server_->out();
    const std::size_t at = out.find(kSaid);
    const std::size_t end = out.find('\n', at);
    if (at == std::string::npos || end == std::string::npos) return {};
    return out.substr(at + kSaid.size(), end - at - kSaid.size());
  }

  wire::Verdict judge(const std::string& host) const {
    const Json options = {{"url", "https://" + host + ":" + port() + "/"},
                          {"attempts", 1},
                          {"timeout_s", 5},
                          {"canary_rate", 0}};
    return (*make_verifier("http", json_text(options)))->verify({}, "x");
  }

  testing::TemporaryFolder folder_;
  const std::string key_ = folder_.path("key.pem");
  const std::string certificate_ = folder_.path("certificate.pem");
  std::unique_ptr<testing::RunningProgram> server_;
};

TEST_F(Https, AJudgeWithAKnownCertificateIsBelieved) {
  ::setenv("SSL_CERT_FILE", certificate_.c_str(), 1);

  const wire::Verdict verdict = judge("localhost");

  EXPECT_EQ(verdict.outcome, wire::Outcome::kCorrect) << verdict.reason;
}

TEST_F(Https, AnUnknownCertificateIsNot) {
  const wire::Verdict verdict = judge("localhost");

  EXPECT_EQ(verdict.outcome, wire::Outcome::kUnscored);
  EXPECT_THAT(verdict.reason, HasSubstr("certificate"));
}

TEST_F(Https, ACertificateOfAnotherHostIsNot) {
  ::setenv("SSL_CERT_FILE", certificate_.c_str(), 1);

  const wire::Verdict verdict = judge("127.0.0.1");

  EXPECT_EQ(verdict.outcome, wire::Outcome::kUnscored);
  EXPECT_THAT(verdict.reason, HasSubstr("certificate"));
}

}  // namespace
}  // namespace assay::verifiers

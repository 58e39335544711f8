// The one file that sees Boost.Beast.
#include "verifiers/http/http_client.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <memory>
#include <string_view>

namespace assay::verifiers::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kHeaderBytesMax = 16 * 1024;

Error failure(ErrorCode code, std::string what) {
  return {code, std::move(what), "", "", ""};
}

// What an error of the stack means, without addresses or times.
Error meaning(error_code error, const char* during) {
  if (error == beast::error::timeout || error == asio::error::timed_out) {
    return failure(ErrorCode::kTimedOut, "the judge does not answer in time");
  }
  if (error == beast::http::error::body_limit || error == beast::http::error::header_limit) {
    return failure(ErrorCode::kExhausted, "the judge's answer is too large");
  }
  return failure(ErrorCode::kUnavailable, std::string("the judge cannot be reached: ") + during);
}

std::optional<std::chrono::seconds> seconds_in(std::string_view text) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return {};
  return std::chrono::seconds(value);
}

// One call on one io_context; steps follow each other, and the deadline is that of the stream.
class Exchange {
 public:
  explicit Exchange(const HttpCall& call) : call_(call), resolver_(context_) {
    request_.method(beast::http::verb::post);
    request_.target(call.target.path);
    request_.version(11);
    request_.set(beast::http::field::host, call.target.host);
    request_.set(beast::http::field::content_type, "application/json");
    request_.set(beast::http::field::connection, "close");
    for (const auto& [name, value] : call.headers) request_.set(name, value);
    request_.body() = call.body;
    request_.prepare_payload();
    parser_.body_limit(call.bytes_max);
    parser_.header_limit(kHeaderBytesMax);
  }

  Result<HttpAnswer> run() {
    if (call_.target.is_encrypted) {
      asio::ssl::context tls(asio::ssl::context::tls_client);
      tls.set_default_verify_paths();
      tls.set_verify_mode(asio::ssl::verify_peer);
      Encrypted stream(context_, tls);
      std::string name = call_.target.host;
      if (::SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                     TLSEXT_NAMETYPE_host_name, name.data()) == 0) {
        return failure(ErrorCode::kUnavailable, "the judge's host name cannot be used");
      }
      stream.set_verify_callback(asio::ssl::host_name_verification(call_.target.host));
      return run_on(stream);
    }
    beast::tcp_stream stream(context_);
    return run_on(stream);
  }

 private:
  using Encrypted = beast::ssl_stream<beast::tcp_stream>;

  template <class Stream>
  Result<HttpAnswer> run_on(Stream& stream) {
    auto& lowest = beast::get_lowest_layer(stream);
    const auto end = std::chrono::steady_clock::now() + call_.time_limit;
    Result<void> done = step("its name is not known", [&](auto then) {
      resolver_.async_resolve(call_.target.host, call_.target.port,
                              [this, then](error_code error, tcp::resolver::results_type found) {
                                found_ = std::move(found);
                                then(error);
                              });
    });
    if (!done) return done.error();
    lowest.expires_at(end);  // of all that follows, however slowly bytes drip
    done = step("no connection", [&](auto then) {
      lowest.async_connect(found_, [then](error_code error, const auto&) { then(error); });
    });
    if (!done) return done.error();
    if (auto ready = handshake(stream); !ready) return ready.error();
    done = step("it does not take the request", [&](auto then) {
      beast::http::async_write(stream, request_,
                               [then](error_code error, std::size_t) { then(error); });
    });
    if (!done) return done.error();
    done = step("it breaks off", [&](auto then) {
      beast::http::async_read(stream, buffer_, parser_,
                              [then](error_code error, std::size_t) { then(error); });
    });
    if (!done) return done.error();
    return answer();
  }

  Result<void> handshake(beast::tcp_stream&) { return {}; }
  Result<void> handshake(Encrypted& stream) {
    return step("its certificate is not accepted", [&](auto then) {
      stream.async_handshake(asio::ssl::stream_base::client,
                             [then](error_code error) { then(error); });
    });
  }

  // Starts one asynchronous step and runs the context until it has ended.
  template <class Start>
  Result<void> step(const char* during, Start&& start) {
    error_code outcome;
    start([&outcome](error_code error) { outcome = error; });
    context_.restart();
    context_.run();
    if (outcome) return meaning(outcome, during);
    return {};
  }

  HttpAnswer answer() {
    auto message = parser_.release();
    HttpAnswer given;
    given.status = message.result_int();
    const auto type = message[beast::http::field::content_type];
    given.is_json = std::string_view(type.data(), type.size()).starts_with("application/json");
    const auto after = message[beast::http::field::retry_after];
    given.retry_after = seconds_in({after.data(), after.size()});
    given.body = std::move(message.body());
    return given;
  }

  const HttpCall& call_;
  asio::io_context context_{1};
  tcp::resolver resolver_;
  tcp::resolver::results_type found_;
  beast::http::request<beast::http::string_body> request_;
  beast::http::response_parser<beast::http::string_body> parser_;
  beast::flat_buffer buffer_{kHeaderBytesMax + 64 * 1024};
};

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < '\x7f'; });
}

}  // namespace

Result<HttpTarget> parse_url(const std::string& url) {
  const auto wrong = [&](const char* what) {
    return Error{ErrorCode::kInvalidInput, std::string("the URL ") + what,
                 "write it like http://127.0.0.1:8000/judge", "", ""};
  };
  HttpTarget target;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    target.is_encrypted = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("begins neither with http:// nor with https://");
  }
  if (!is_plain(rest) || rest.find('#') != std::string_view::npos) {
    return wrong("has characters that a URL may not have");
  }
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view host = rest.substr(0, slash);
  target.path = rest.substr(slash);
  if (!target.path.starts_with('/')) target.path.insert(0, "/");
  if (host.find('@') != std::string_view::npos) return wrong("holds a user name");
  target.port = target.is_encrypted ? "443" : "80";
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    target.port = host.substr(colon + 1);
    host = host.substr(0, colon);
    const auto port = seconds_in(target.port);  // a whole number, as it is there
    if (!port || port->count() < 1 || port->count() > 65535) return wrong("has no such port");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("has no host");
  target.host = host;
  return target;
}

Result<HttpAnswer> post(const HttpCall& call) {
  try {
    return Exchange(call).run();
  } catch (const std::exception&) {
    return failure(ErrorCode::kUnavailable, "the judge cannot be reached");
  }
}

}  // namespace assay::verifiers::http

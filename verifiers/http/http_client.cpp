// The one file that sees Boost.Beast: its parser alone, fed from a connection of our own.
#include "verifiers/http/http_client.h"

#include <array>
// With sanitizers the compiler loses sight of an optional's flag in the parser.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#pragma GCC diagnostic pop
#include <charconv>
#include <string_view>

#include "runtime/core/clock.h"
#include "verifiers/http/connection.h"

namespace assay::verifiers::http {

namespace {

namespace beast = boost::beast;
using Parser = beast::http::response_parser<beast::http::string_body>;

constexpr std::uint32_t kHeaderBytesMax = 16 * 1024;

Error failure(ErrorCode code, std::string what) {
  return {code, std::move(what), "", "", ""};
}

Error broken() {
  return failure(ErrorCode::kUnavailable, "the judge cannot be reached: it breaks off");
}

Error meaning(boost::system::error_code error) {
  const bool is_too_large = error == beast::http::error::body_limit ||
                            error == beast::http::error::header_limit ||
                            error == beast::http::error::buffer_overflow;
  return is_too_large ? failure(ErrorCode::kExhausted, "the judge's answer is too large")
                      : failure(ErrorCode::kUnavailable, "the judge's answer is not HTTP");
}

std::optional<std::chrono::seconds> seconds_in(std::string_view text) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return {};
  return std::chrono::seconds(value);
}

std::string request_text(const HttpCall& call) {
  const bool is_literal = call.target.host.find(':') != std::string::npos;  // an IPv6 address
  std::string text = "POST " + call.target.path + " HTTP/1.1\r\nHost: ";
  text += is_literal ? "[" + call.target.host + "]" : call.target.host;
  text += ":" + call.target.port + "\r\nConnection: close\r\nContent-Type: application/json\r\n";
  text += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
  for (const auto& [name, value] : call.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + call.body;
}

// Gives the parser what is there: the head alone at first, as the parser would take all the memory
// that the head claims.
Result<void> feed(Parser& parser, beast::flat_buffer& buffer, std::size_t bytes_max) {
  boost::system::error_code error;
  while (buffer.size() > 0 && !parser.is_done() && !error) {
    parser.eager(parser.is_header_done());
    const bool was_head = !parser.is_header_done();
    buffer.consume(parser.put(buffer.data(), error));
    if (error && error != beast::http::error::need_more) return meaning(error);
    const bool is_head_read = was_head && parser.is_header_done();
    if (is_head_read && parser.content_length().value_or(0) > bytes_max) {
      return failure(ErrorCode::kExhausted, "the judge's answer is too large");
    }
  }
  return {};
}

// Feeds the parser until the message is whole.
Result<void> read_into(Parser& parser, Connection& connection, std::size_t bytes_max) {
  beast::flat_buffer buffer(kHeaderBytesMax + 64 * 1024);
  std::array<char, 16 * 1024> piece{};
  while (!parser.is_done()) {
    const auto count = connection.read(piece);
    if (!count) return count.error();
    boost::system::error_code error;
    if (*count == 0) {
      // Without a length the body ends with the stream; nothing else may.
      if (!parser.got_some()) return broken();
      parser.put_eof(error);
      return error ? broken() : Result<void>();
    }
    if (buffer.size() + *count > buffer.max_size()) {
      return failure(ErrorCode::kExhausted, "the judge's answer is too large");
    }
    buffer.commit(boost::asio::buffer_copy(buffer.prepare(*count),
                                           boost::asio::const_buffer(piece.data(), *count)));
    if (auto fed = feed(parser, buffer, bytes_max); !fed) return fed;
  }
  return {};
}

HttpAnswer answer_of(Parser& parser) {
  auto message = parser.release();
  HttpAnswer answer;
  answer.status = message.result_int();
  const auto type = message[beast::http::field::content_type];
  answer.is_json = std::string_view(type.data(), type.size()).starts_with("application/json");
  const auto after = message[beast::http::field::retry_after];
  answer.retry_after = seconds_in({after.data(), after.size()});
  answer.body = std::move(message.body());
  return answer;
}

Result<HttpAnswer> exchange(const HttpCall& call) {
  const SteadyTime deadline = SystemClock().now() + call.time_limit;
  const auto connection = Connection::open(call.target, deadline);
  if (!connection) return connection.error();
  if (auto sent = (*connection)->write(request_text(call)); !sent) return sent.error();
  Parser parser;
  parser.body_limit(call.bytes_max);
  parser.header_limit(kHeaderBytesMax);
  if (auto read = read_into(parser, **connection, call.bytes_max); !read) return read.error();
  return answer_of(parser);
}

}  // namespace

Result<HttpAnswer> post(const HttpCall& call) {
  try {
    return exchange(call);
  } catch (const std::exception&) {
    return failure(ErrorCode::kUnavailable, "the judge cannot be reached");
  }
}

}  // namespace assay::verifiers::http

#include "verifiers/http/url.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace assay::verifiers::http {

namespace {

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < '\x7f'; });
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && value >= 1 && value <= 65535;
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
    if (!is_port(target.port)) return wrong("has no such port");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("has no host");
  target.host = host;
  return target;
}

}  // namespace assay::verifiers::http

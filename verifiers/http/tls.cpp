#include "verifiers/http/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <utility>

namespace assay::verifiers::http {

namespace {

struct Freer {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  void operator()(SSL* session) const { ::SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, Freer>;
using Session = std::unique_ptr<SSL, Freer>;

Error failure(const char* what) {
  return {ErrorCode::kUnavailable, std::string("the judge cannot be reached: ") + what, "", "", ""};
}

class TlsConnection final : public Connection {
 public:
  TlsConnection(FileDescriptor socket, Context context, Session session, SteadyTime deadline)
      : socket_(std::move(socket)),
        context_(std::move(context)),
        session_(std::move(session)),
        deadline_(deadline) {}

  Result<void> handshake() {
    const auto done = repeat([&] { return ::SSL_connect(session_.get()); });
    if (done && *done > 0) return {};
    if (!done && done.error().code == ErrorCode::kTimedOut) return done.error();
    return failure("its certificate is not accepted");
  }

  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto count = repeat([&] {
        const auto size = std::min<std::size_t>(bytes.size(), INT_MAX);
        return ::SSL_write(session_.get(), bytes.data(), static_cast<int>(size));
      });
      if (!count) return count.error();
      if (*count == 0) return failure("it breaks off");
      bytes.remove_prefix(*count);
    }
    return {};
  }

  Result<std::size_t> read(std::span<char> bytes) override {
    return repeat([&] {
      const auto size = std::min<std::size_t>(bytes.size(), INT_MAX);
      return ::SSL_read(session_.get(), bytes.data(), static_cast<int>(size));
    });
  }

 private:
  // Calls until it is done, waiting for what the session wants in between. 0: the stream has ended.
  Result<std::size_t> repeat(const std::function<int()>& call) {
    while (SystemClock().now() < deadline_) {
      const int count = call();
      if (count > 0) return static_cast<std::size_t>(count);
      const int why = ::SSL_get_error(session_.get(), count);
      if (why == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
        return failure("it breaks off");
      }
      const short events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      if (auto ready = wait_for(socket_.get(), events, deadline_); !ready) return ready.error();
    }
    return late();
  }

  FileDescriptor socket_;
  Context context_;
  Session session_;
  SteadyTime deadline_;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_tls(FileDescriptor socket, const std::string& host,
                                             SteadyTime deadline) {
  Context context(::SSL_CTX_new(::TLS_client_method()));
  if (context == nullptr) return failure("no memory for TLS");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_default_verify_paths(context.get());
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  Session session(::SSL_new(context.get()));
  std::string name = host;  // SSL_ctrl() takes it without const
  // An address is compared with the certificate's addresses, a name with its names.
  const bool is_address =
      session != nullptr &&
      ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session.get()), host.c_str()) == 1;
  if (session == nullptr || ::SSL_set_fd(session.get(), socket.get()) != 1 ||
      (!is_address && (::SSL_set1_host(session.get(), host.c_str()) != 1 ||
                       ::SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                  TLSEXT_NAMETYPE_host_name, name.data()) != 1))) {
    return failure("its host name cannot be used");
  }
  auto connection = std::make_unique<TlsConnection>(std::move(socket), std::move(context),
                                                    std::move(session), deadline);
  if (auto shaken = connection->handshake(); !shaken) return shaken.error();
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace assay::verifiers::http

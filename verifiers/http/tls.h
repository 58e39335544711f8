// TLS over a connected socket, and the waiting that both kinds of connections share.
#pragma once

#include <memory>
#include <string>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/result.h"
#include "verifiers/http/connection.h"

namespace assay::verifiers::http {

// The handshake as a client: TLS 1.2 or later, the certificate checked as Connection::open() says.
// `socket` does not block.
Result<std::unique_ptr<Connection>> open_tls(FileDescriptor socket, const std::string& host,
                                             SteadyTime deadline);

// Waits until the socket is ready for `events` of poll(). Errors: kTimedOut, kUnavailable.
Result<void> wait_for(int socket, short events, SteadyTime deadline);

// kTimedOut, in the words of all who wait for a judge.
Error late();

}  // namespace assay::verifiers::http

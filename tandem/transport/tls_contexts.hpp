// SPDX-License-Identifier: Apache-2.0
// What SIP is spoken over TLS with. A value: its contexts are shared, and may be used on any
// thread.
#pragma once

#include <tandem/io/tls.hpp>

namespace tandem::transport {

struct tls_contexts {
  io::tls_context server; ///< who connects to us is shown its certificates
  io::tls_context
      client; ///< whom we connect to is verified by it; shows a certificate, if it has one
};

} // namespace tandem::transport

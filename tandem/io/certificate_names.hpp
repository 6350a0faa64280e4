// SPDX-License-Identifier: Apache-2.0
// Whom a certificate names (RFC 5922 7). Functions over a certificate, any thread.
#pragma once

#include <string>
#include <string_view>

struct x509_st;

namespace tandem::io {

/// The certificate is that of the SIP domain or host `name`, or of an address: by a DNS name, by a
/// URI of sip: without a user, or by an address of its subjectAltName, written out. Neither a
/// wildcard nor a common name counts (RFC 5922 7.1, 7.2).
[[nodiscard]] bool certifies_sip_domain(const x509_st* certificate, std::string_view name);

/// The names and addresses that it holds, for people: "a.example, 192.0.2.1". At
/// most a line of them; empty when there are none.
[[nodiscard]] std::string names_for_people(const x509_st* certificate);

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// What a phone's resource answers to who asks it something (RFC 6120 8.2.3): what it is (XEP-0030,
// XEP-0092), that it is there (XEP-0199), and that it can do nothing else. Pure, any thread.
#pragma once

#include <tandem/xmpp/xml_element.hpp>

#include <optional>
#include <string>

namespace tandem::xmpp {

/// The answer to an <iq/>; nothing to one that is no request, or that has no id.
[[nodiscard]] std::optional<std::string> answer_iq(const xml_element& iq);

} // namespace tandem::xmpp

// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/session_end.hpp>

#include <array>

namespace tandem::xmpp {

namespace {

struct row {
  session_end end;
  std::string_view name;
  recovery then;
  bool is_on_wire = true;
};

constexpr std::array rows{
    row{session_end::finished, "finished", recovery::none, false},
    row{session_end::bad_request, "bad-request", recovery::reconfigure},
    row{session_end::host_gone, "host-gone", recovery::reconfigure},
    row{session_end::host_unknown, "host-unknown", recovery::reconfigure},
    row{session_end::improper_addressing, "improper-addressing", recovery::reconfigure},
    row{session_end::internal_server_error, "internal-server-error", recovery::back_off},
    row{session_end::item_not_found, "item-not-found", recovery::login_at_once},
    row{session_end::other_request, "other-request", recovery::back_off},
    row{session_end::policy_violation, "policy-violation", recovery::long_back_off},
    row{session_end::remote_connection_failed, "remote-connection-failed", recovery::back_off},
    row{session_end::remote_stream_error, "remote-stream-error", recovery::back_off},
    row{session_end::see_other_uri, "see-other-uri", recovery::move},
    row{session_end::system_shutdown, "system-shutdown", recovery::back_off},
    row{session_end::undefined_condition, "undefined-condition", recovery::back_off},
    row{session_end::conflict, "conflict", recovery::contend, false},
    row{session_end::unreachable, "unreachable", recovery::back_off, false},
    row{session_end::bad_answer, "bad answer", recovery::back_off, false},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].end) != i) return false;
  return true;
}
static_assert(is_in_order());

} // namespace

std::string_view to_string(session_end end) noexcept {
  return rows[static_cast<std::size_t>(end)].name;
}

session_end session_end_of(std::string_view condition) noexcept {
  for (const row& r : rows)
    if (r.is_on_wire && r.name == condition) return r.end;
  return session_end::undefined_condition;
}

recovery recovery_of(session_end end) noexcept { return rows[static_cast<std::size_t>(end)].then; }

} // namespace tandem::xmpp

// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/save.hpp>

#include <tandem/modules/registrar/address_of_record.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/rejection_headers.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/registration.hpp>
#include <tandem/stack/via_rules.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace tandem::modules {

namespace {

using script::outcome;
using server::message_context;
using sip::response_writer;
using storage::location_errc;
using verdict = std::optional<sip::rejection>;

/// Of a key in the table, in bytes; longer ones are refused.
constexpr std::size_t longest_address = 512;

/// Of an answer, beside what is in it and the contacts: what the core adds where the script wants
/// it, and what ends it.
constexpr std::size_t room_for_the_rest = 400;

verdict refusal(int status, std::string_view reason) {
  return sip::rejection{.status = status, .reason = std::string{reason}, .value = {}};
}

/// A bound was met. Contacts expire, so that it is worth asking again (RFC 3261 21.5.4).
verdict refusal(location_errc why) {
  const std::string_view reason = [why]() -> std::string_view {
    switch (why) {
    case location_errc::too_many_contacts: return "Too Many Contacts";
    case location_errc::record_full: return "Contacts of This User Too Long";
    case location_errc::source_full: return "Too Many Contacts From This Address";
    case location_errc::table_full: return "Too Many Contacts on This Server";
    case location_errc::no_memory: break;
    }
    return "Out of Memory";
  }();
  return sip::rejection{.status = 503,
                        .reason = std::string{reason},
                        .header = sip::header_id::retry_after,
                        .value = "60"};
}

/// What a registrar checks besides what the core has checked of every request (RFC 3261 10.3 step
/// 2): that the extensions which are asked for are there.
verdict check(const message_context& m) {
  if (!m.message().has(sip::header_id::require)) return {};
  return sip::validate(m.message(), sip::role::registrar);
}

/// The answer to a REGISTER whose contacts are being stored: what one run keeps.
struct unstored_answer {
  std::optional<response_writer> ok{};
  save_reply how = save_reply::always;
  void clear() noexcept { ok.reset(); }
};

/// \param ok     gets the lines of a success
/// \param changed gets the address of record whose contacts have changed; null: nobody asks for it
verdict change(message_context& m, storage::location_table& table, const registrar_settings& rules,
               response_writer& ok, std::string* changed) {
  if (auto refused = check(m)) return refused;
  // A To that the script has made unreadable has no user either.
  const auto to = m.message().get<sip::hdr::to>();
  const address_of_record aor{to ? to->address : sip::uri{}, rules};
  if (aor.empty()) return refusal(400, "No User in To");
  if (aor.view().size() > longest_address) return refusal(513, "Address of Record Too Long");
  stack::registration request{m.message(), m.from(), rules.registration};
  if (auto refused = request.read(static_cast<std::uint16_t>(m.flags()), m.take_credit()))
    return refused;

  // The source of a datagram may be forged.
  const std::size_t most = stack::answer_limit(m.received().size(), m.from().transport);
  const std::size_t used = ok.size() + room_for_the_rest;

  verdict refused;
  instant bound_until{}; // what this connection is registered for
  const auto done =
      table.update(aor.view(), m.from().at,
                   [&](std::span<const sip::binding> stored, sip::binding_edits& edits) {
                     refused = request.decide(stored, edits);
                     if (!refused) request.list(ok, used < most ? most - used : 0);
                     for (const sip::binding_edit& edit : edits)
                       if (edit.put) bound_until = std::max(bound_until, edit.put->expires);
                     if (changed && !refused && !edits.empty()) changed->assign(aor.view());
                     return !refused;
                   });
  if (!done) return refusal(done.error());
  if (!refused && is_reliable(m.from().transport) && bound_until > m.from().at)
    m.core().out().bind_flow(m.from().flow, bound_until);
  return refused;
}

/// The refused phone has its answer: nothing that follows in the script is meant for it.
outcome refuse(message_context& m, const sip::rejection& why) {
  auto answer = m.core().begin_reply(m, why.status, why.reason);
  server::add_header_of(why, answer);
  m.core().answer(m, std::move(answer));
  return outcome::leave();
}

outcome succeed(message_context& m, response_writer&& ok, save_reply how) {
  if (how == save_reply::always) m.core().answer(m, std::move(ok));
  return outcome::yes();
}

} // namespace

outcome save(message_context& m, storage::location_table& table, const registrar_settings& rules,
             save_reply how) {
  // Written as if all went well, so that under the table's mutex only the contacts are added.
  auto ok = m.core().begin_reply(m, 200, "OK");
  storage::locations& all = *m.core().shared().locations;
  const bool is_stored_first = all.are_stored_first();
  std::string changed;
  if (const auto refused = change(m, table, rules, ok, is_stored_first ? &changed : nullptr))
    return refuse(m, *refused);
  if (changed.empty()) return succeed(m, std::move(ok), how);
  // What is answered is never lost.
  auto& later = m.state<unstored_answer>();
  later.ok.emplace(std::move(ok));
  later.how = how;
  all.when_stored(table, changed,
                  m.core().wait<bool>(m, [](message_context& then, bool&& is_stored) {
                    auto& answer = then.state<unstored_answer>();
                    if (is_stored) return succeed(then, std::move(*answer.ok), answer.how);
                    return refuse(then, {.status = 503,
                                         .reason = "Contacts Cannot Be Stored Now",
                                         .header = sip::header_id::retry_after,
                                         .value = "10"});
                  }));
  return outcome::suspended();
}

} // namespace tandem::modules

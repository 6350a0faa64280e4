// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/auth/authorize.hpp>

#include <tandem/base/text.hpp>
#include <tandem/modules/auth/auth_run.hpp>
#include <tandem/modules/auth/auth_state.hpp>
#include <tandem/modules/auth/settings.hpp>
#include <tandem/server/authenticated_user.hpp>
#include <tandem/server/core.hpp>
#include <tandem/sip/headers.hpp>

#include <utility>

namespace tandem::modules {

namespace {

using script::outcome;
using server::authenticated_user;
using server::message_context;
using stack::auth_verdict;
using stack::challenger;
using storage::account_answer;

auth_state& state_of(message_context& m) { return m.core().state<auth_state>(); }

const stack::authentication& asks_of(const message_context& m) {
  return *m.settings_of<auth_settings>().asks;
}

outcome refuse(message_context& m, int status, std::string_view reason) {
  m.core().answer(m, status, reason);
  return outcome::leave();
}

/// Nobody is blamed, and no phone asked for its password again.
outcome fail(message_context& m) {
  ++state_of(m).failed;
  return refuse(m, 500, "Accounts Are Not Available");
}

/// What is known of the account, never what the sender says: a name with a domain other than the
/// realm was found as it stands.
void note_user(message_context& m, auth_run& run) {
  auto& who = m.state<authenticated_user>();
  who.by = run.by;
  who.realm.assign(run.realm);
  who.user.assign(run.claim->user());
  const std::string_view domain = run.claim->domain();
  who.domain.assign(domain.empty() ? std::string_view{run.realm} : domain);
  run.is_in_table = false;
}

/// Somebody was let in by these credentials, earlier in this run.
bool has_let_in(message_context& m, challenger by, std::string_view realm) {
  const auto& who = m.state<authenticated_user>();
  return who.is_there() && who.by == by && who.realm == realm;
}

/// The verdict stays for the challenge that follows.
outcome settle(message_context& m, auth_verdict verdict) {
  auto& run = m.state<auth_run>();
  auto& counts = state_of(m);
  // The count was taken by the first look at this request; the password is right once more.
  if (verdict == auth_verdict::stale && has_let_in(m, run.by, run.realm)) {
    run.last = auth_verdict::good;
    return outcome::yes();
  }
  run.last = verdict;
  switch (verdict) {
  case auth_verdict::good:
    ++counts.good;
    note_user(m, run);
    return outcome::yes();
  case auth_verdict::exempt: return outcome::yes();
  case auth_verdict::none: ++counts.none; break;
  case auth_verdict::stale: ++counts.stale; break;
  case auth_verdict::wrong: ++counts.wrong; break; // nor an unknown user: they are not told apart
  case auth_verdict::malformed: ++counts.malformed; return refuse(m, 400, "Malformed Credentials");
  case auth_verdict::failed: return fail(m);
  }
  return outcome::no();
}

outcome judge(message_context& m, const stack::ha1* known) {
  const auto& run = m.state<auth_run>();
  return settle(
      m, asks_of(m).judge(*run.claim, known, space_of(m, run.by, run.realm), m.core().out().now()));
}

/// The account is known, or is not, or nobody could look.
outcome decide(message_context& m, account_answer&& answer) {
  auto& run = m.state<auth_run>();
  state_of(m).end(std::exchange(run.wait, 0));
  if (answer.what == account_answer::kind::failed) return fail(m);
  const auto made = judge(m, answer.what == account_answer::kind::found ? &answer.secret : nullptr);
  if (run.last == auth_verdict::good) {
    run.is_in_table = true;
    run.good_table.assign(run.table);
  }
  return made;
}

outcome look_up(message_context& m, const auth_db_settings& db, const storage::account_key& whose) {
  auto& state = state_of(m);
  if (state.waiting() >= db.max_waiting) {
    ++state.busy;
    auto made = m.core().begin_reply(m, 503, "Server Is Busy");
    m.core().add_retry_after(made); // RFC 3261 21.5.4
    m.core().answer(m, std::move(made));
    return outcome::leave();
  }
  const auto token = m.core().wait<account_answer>(m, decide);
  m.state<auth_run>().wait = state.begin(token, db.deadline);
  db.accounts->fetch(storage::account_query{whose}, token);
  return outcome::suspended();
}

/// Reads what there is to judge. \return the outcome when there is nothing
std::optional<outcome> read_claim(message_context& m, challenger by, std::string_view realm,
                                  std::string_view table) {
  if (realm.empty()) return outcome::no();
  auto& run = m.state<auth_run>();
  run.begin(by, realm, table);
  auto claim = asks_of(m).read(m.arrived(), space_of(m, by, run.realm));
  if (!claim) return settle(m, claim.error());
  run.claim.emplace(std::move(*claim));
  return std::nullopt;
}

} // namespace

std::string_view realm_of(const message_context& m, std::string_view named) {
  if (!named.empty()) return named;
  const auto host_of = [&m](const auto& value) {
    if (!value || !value->address.is_sip()) return std::string_view{};
    const sip::uri& uri = value->address;
    return m.core().names().contains(uri) ? uri.host().text : std::string_view{};
  };
  return m.arrived().method() == sip::method::register_
             ? host_of(m.arrived().get<sip::hdr::to>())
             : host_of(m.arrived().get<sip::hdr::from>());
}

stack::protection_space space_of(const message_context& m, challenger by, std::string_view realm) {
  stack::protection_space space{.by = by, .realm = realm};
  if (m.settings_of<auth_settings>().bind_source) {
    const auto& bytes = m.from().source.ip.bytes();
    space.source = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  return space;
}

outcome authorize(message_context& m, challenger by, std::string_view realm,
                  std::string_view table) {
  if (!stack::may_be_challenged(m.arrived().method())) return outcome::yes();
  const auto& db = m.settings_of<auth_db_settings>();
  if (!db.accounts) return fail(m);
  const auto& run = m.state<auth_run>();
  if (run.is_in_table && run.good_table == table && has_let_in(m, by, realm)) return outcome::yes();
  if (const auto done = read_claim(m, by, realm, table)) return *done;
  const storage::account_key whose{.table = run.table,
                                   .username = run.claim->username.view(),
                                   .realm = run.realm,
                                   .hash = stack::hash_of(run.claim->algorithm)};
  if (auto known = db.accounts->find(whose)) return decide(m, std::move(*known));
  return look_up(m, db, whose);
}

outcome authenticate(message_context& m, challenger by, std::string_view realm,
                     std::string_view secret, given_secret kind) {
  if (!stack::may_be_challenged(m.arrived().method())) return outcome::yes();
  if (const auto done = read_claim(m, by, realm, {})) return *done;
  const auto& claim = *m.state<auth_run>().claim;
  if (secret.empty()) return judge(m, nullptr); // a variable without a value lets nobody in
  if (kind == given_secret::ha1) {
    const auto given = stack::ha1::parse(secret);
    return judge(m, given ? &*given : nullptr);
  }
  const auto made = stack::make_ha1(claim.algorithm, claim.username.view(), realm, secret);
  return made ? judge(m, &*made) : fail(m);
}

outcome challenge(message_context& m, challenger by, std::string_view realm,
                  stack::qop_offer offer) {
  if (!stack::may_be_challenged(m.arrived().method())) return outcome::leave(); // RFC 3261 22.1
  if (realm.empty()) return refuse(m, 403, "Not a Domain of This Server");
  const auto why =
      m.state<auth_run>().was_stale(by, realm) ? auth_verdict::stale : auth_verdict::none;
  auto made = m.core().begin_reply(m, stack::challenge_status(by));
  if (!asks_of(m).add_challenges(made, space_of(m, by, realm), offer, why, m.core().out().now()))
    return fail(m);
  ++state_of(m).challenged;
  m.core().answer(m, std::move(made));
  return outcome::leave();
}

} // namespace tandem::modules

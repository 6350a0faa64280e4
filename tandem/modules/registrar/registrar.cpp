// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/registrar.hpp>

#include <tandem/base/text.hpp>
#include <tandem/modules/registrar/address_of_record.hpp>
#include <tandem/modules/registrar/save.hpp>
#include <tandem/modules/registrar/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/params.hpp>
#include <tandem/stack/next_hop.hpp>

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <span>
#include <vector>

namespace tandem::modules {

void registrar_settings::apply_to(server::core& owner) const {
  using storage::key_form;
  storage::locations* const all = owner.shared().locations;
  if (!all) return;
  for (const std::string& name : tables) (void)all->table(name); // read before the first request
  all->use({use_domain ? key_form::domain::part : key_form::domain::left_out,
            case_sensitive ? key_form::user_case::kept : key_form::user_case::ignored});
}

namespace {

using script::argument_kind;
using script::outcome;
using script::parameter_kind;
using server::message_context;
using sip::binding;

/// The location tables that functions have named on one shard, so that no message looks a name up
/// under the mutex of all shards.
struct named_tables {
  explicit named_tables(server::core& owner) : of{*owner.shared().locations} {}
  storage::locations& of;
  std::vector<storage::location_table*> known{};
};

storage::location_table& table_of(message_context& m, std::string_view name) {
  auto& tables = m.core().state<named_tables>();
  for (storage::location_table* const table : tables.known)
    if (table->name() == name) return *table;
  return *tables.known.emplace_back(&tables.of.table(name));
}

outcome save_contacts(script::call& c, save_reply how) {
  auto& m = c.as<message_context>();
  return save(m, table_of(m, c.text(0)), m.settings_of<registrar_settings>(), how);
}

/// Who registers over a connection from that address takes part; the source of a datagram may be
/// forged (stack/reflection.hpp).
bool has_proved_its_address(const binding& b) {
  if (!is_reliable(b.transport) || !b.path.empty()) return false;
  const auto contact = sip::uri::parse(b.contact);
  if (!contact || !contact->is_sip() || contact->maddr()) return false;
  const auto ip = ip_address::parse(contact->host().text);
  return ip && *ip == b.received.ip;
}

/// It came by TLS and wants to be called by TLS.
bool is_secured_phone(const binding& b) {
  if (!is_secure(b.transport) || !b.flow) return false;
  const auto contact = sip::uri::parse(b.contact);
  const auto hop =
      contact ? stack::next_hop_of(*contact)
              : result<stack::next_hop, stack::hop_errc>{fail(stack::hop_errc::bad_scheme)};
  return hop && is_secure(hop->transport);
}

void set_hop(server::reachability& hop, const binding& b, const registrar_settings& rules) {
  hop.clear();
  hop.named = has_proved_its_address(b) ? stack::named_by::us : stack::named_by::stranger;
  hop.paid = b.paid;
  hop.path.assign(b.path);
  // A contact behind a NAT is reached the way it came, by the connection or from the socket that it
  // spoke to, since its NAT lets nothing else through; so is a phone by TLS, which has no
  // certificate to prove its name by (RFC 5626 3.1); any other one by its URI.
  const bool is_behind_nat = rules.nat_flag && (b.flags >> *rules.nat_flag & 1U) != 0;
  if (is_behind_nat || is_secured_phone(b)) {
    hop.received = b.received;
    hop.transport = b.transport;
    hop.flow = b.flow;
  }
}

/// RFC 5630 5.3: what was called by sips is never reached by sip.
bool is_as_secure(const binding& b, const sip::uri& called) {
  constexpr std::string_view secure = "sips:";
  return called.scheme() != sip::uri_scheme::sips ||
         iequals(b.contact.substr(0, secure.size()), secure);
}

/// Copies the contacts of a user into the message, best first.
bool take_contacts(message_context& m, const sip::uri& called, std::span<const binding> stored,
                   const registrar_settings& rules) {
  boost::container::static_vector<const binding*, sip::most_bindings> best;
  for (const binding& b : stored)
    if (is_as_secure(b, called)) best.push_back(&b);
  if (best.size() > 1)
    std::stable_sort(best.begin(), best.end(), [](const binding* a, const binding* b) {
      return a->q != b->q ? a->q > b->q : a->modified > b->modified;
    });
  // It was a URI when it was registered.
  if (best.empty() || !m.message().edit().set_request_uri(best[0]->contact)) return false;
  set_hop(m.reach(), *best[0], rules);
  if (!rules.append_branches) return true;
  static_assert(server::destination_set::limit + 1 >= sip::most_bindings, "every contact rings");
  for (std::size_t i = 1; i < best.size(); ++i) {
    server::destination* const branch = m.branches().append(best[i]->contact);
    if (!branch) break; // the script has appended others
    branch->q = best[i]->q;
    set_hop(branch->reach, *best[i], rules);
  }
  return true;
}

outcome lookup(script::call& c) {
  auto& m = c.as<message_context>();
  const auto& rules = m.settings_of<registrar_settings>();
  const auto uri = m.parsed_uri();
  if (!uri) return outcome::no();
  const address_of_record key{*uri, rules};
  if (key.empty()) return outcome::no();
  bool is_found = false;
  const instant now = m.core().out().now();
  table_of(m, c.text(0))
      .lookup(
          key.view(), now,
          [&](std::span<const binding> stored) {
            is_found = take_contacts(m, *uri, stored, rules);
          },
          storage::paid_bytes::spent);
  return outcome::of(is_found);
}

/// The user of `uri` has a contact, of which `pred` holds.
template <typename Predicate>
bool has_contact(message_context& m, std::string_view table, const sip::uri& uri,
                 Predicate&& pred) {
  const address_of_record key{uri, m.settings_of<registrar_settings>()};
  if (key.empty()) return false;
  bool is_found = false;
  const instant now = m.core().out().now();
  table_of(m, table).lookup(key.view(), now, [&](std::span<const binding> stored) {
    is_found = std::any_of(stored.begin(), stored.end(), pred);
  });
  return is_found;
}

outcome registered(script::call& c) {
  auto& m = c.as<message_context>();
  const auto uri = m.parsed_uri();
  return outcome::of(uri && has_contact(m, c.text(0), *uri, [](const binding&) { return true; }));
}

/// The request came from the address that the contact registered from. A phone sends from other
/// ports, too, and large requests over TCP (RFC 3261 18.1.1). Whoever merely knows a user's name
/// does not come from there; who shares the address does: only a password tells those apart.
bool came_from_there(const binding& b, const stack::arrival& from) {
  return b.received.ip == from.source.ip;
}

outcome is_from_registered(script::call& c) {
  auto& m = c.as<message_context>();
  const auto from = m.message().get<sip::hdr::from>();
  if (!from || !from->address.is_sip()) return outcome::no();
  const sip::uri& who = from->address;
  if (!m.core().names().contains(who)) return outcome::no();
  const stack::arrival& from_where = m.from();
  return outcome::of(has_contact(m, c.text(0), who,
                                 [&](const binding& b) { return came_from_there(b, from_where); }));
}

/// A parameter that is a field of the rules of registration.
template <typename T>
auto rule(T stack::registration_rules::*field) {
  return [field](registrar_settings& of) -> T& { return of.registration.*field; };
}

const server::parameter_table<registrar_settings>& parameters() {
  using rules = stack::registration_rules;
  using settings = registrar_settings;
  static const auto made =
      server::parameter_table<settings>{}
          .add("default_expires", rule(&rules::default_expires), {.min = 1, .unit = "s"},
               "when a REGISTER names no time")
          .add("min_expires", rule(&rules::min_expires), {.unit = "s"},
               "a shorter wish is refused with 423")
          .add("max_expires", rule(&rules::max_expires), {.unit = "s"},
               "a longer wish is cut to it; 0: none, but nothing that a phone asks for is for ever")
          .add("default_q", rule(&rules::default_q), {.max = 1000},
               "preference in thousandths, when a contact names none")
          .add("max_contacts", rule(&rules::max_contacts), {.max = sip::most_bindings},
               "contacts of one user; more are refused with 503; 0: as many as there may be")
          .add("append_branches", &settings::append_branches,
               "lookup finds all contacts; 0: the best only")
          .add("use_domain", &settings::use_domain,
               "users of different domains are different; the same as use_domain of usrloc")
          .add("case_sensitive", &settings::case_sensitive,
               "the case of letters tells users apart (RFC 3261 19.1.4)")
          .without_effect("desc_time_order", parameter_kind::boolean,
                          "of equal preference, the newer contact always goes first")
          .add("nat_flag", &settings::nat_flag, {.min = -1, .max = 15},
               "flag of a contact behind a NAT: it is reached by the way its REGISTER came; -1: "
               "none");
  return made;
}

script::module_info declare() {
  script::module_info info{.name = "registrar", .help = "registration of phones, and finding them"};
  const script::argument_info table{"table", argument_kind::string};
  info.functions = {
      {.name = "save",
       .arguments = {table},
       .may_suspend = true,
       .help = "registers the contacts of a REGISTER and answers it",
       .run = [](script::call& c) { return save_contacts(c, save_reply::always); }},
      {.name = "save_noreply",
       .arguments = {table},
       .may_suspend = true,
       .help = "registers the contacts of a REGISTER; answers only when it is refused",
       .run = [](script::call& c) { return save_contacts(c, save_reply::when_refused); }},
      {.name = "lookup",
       .arguments = {table},
       .blocks = script::in_request | script::in_failure,
       .help = "puts the best contact of the user in the place of the Request-URI, and the others "
               "beside it as branches; false when there is none",
       .run = lookup},
      {.name = "registered",
       .arguments = {table},
       .blocks = script::in_request | script::in_failure,
       .help = "true when the user of the Request-URI is registered",
       .run = registered},
      {.name = "is_from_registered",
       .arguments = {table},
       .help = "true when the sender in From is a user of ours with a contact that was registered "
               "from the address which this request came from",
       .run = is_from_registered},
  };
  info.parameters = parameters().declared();
  info.aliases = {{"save_contact", "save"}, {"lookup_contact", "lookup"}};
  return info;
}

/// use_domain may be said here or where the tables are, and means the same.
bool tells_domains_apart(const server::module_setup& setup) {
  const auto& given = setup.program.parameters();
  for (const script::module_info* const other : setup.program.modules()) {
    if (other->name != "usrloc" || !given.is_set(other->name, "use_domain")) continue;
    const bool there = given.is_on(*other, "use_domain");
    if (given.is_set(setup.info.name, "use_domain") && there != setup.is_on("use_domain"))
      setup.refuse("use_domain", "use_domain of usrloc says something else");
    return there;
  }
  return setup.is_on("use_domain");
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<registrar_settings>();
  parameters().read(setup, *s);
  auto& of_phones = s->registration;
  if (of_phones.max_contacts == 0) of_phones.max_contacts = sip::most_bindings;
  s->use_domain = tells_domains_apart(setup);
  for (const char* function :
       {"save", "save_noreply", "lookup", "registered", "is_from_registered"})
    for (std::string& name : setup.program.texts_given(setup.info.name, function, 0))
      s->tables.push_back(std::move(name));
  // RFC 3261 19.1.4 tells users apart by case, the original did not; the parameter decides.
  if (!setup.is_set("case_sensitive"))
    s->case_sensitive = setup.program.parameters().compat() == script::compatibility::rfc;
  if (of_phones.max_expires > 0 && of_phones.min_expires > of_phones.max_expires)
    setup.refuse("max_expires",
                 "it is less than min_expires, so that no REGISTER could be accepted");
  return s;
}

} // namespace

server::module_entry registrar() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

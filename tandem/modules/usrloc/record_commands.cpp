// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/record_commands.hpp>

#include <tandem/modules/usrloc/lifetime.hpp>
#include <tandem/modules/usrloc/user_key.hpp>
#include <tandem/sip/params.hpp>
#include <tandem/sip/uri.hpp>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <limits>

namespace tandem::modules {

namespace {

namespace json = boost::json;
using control::command_call;
using control::command_error;
using control::fifo_text;
using control::role;
using control::value_type;

constexpr std::size_t longest_table_name = 64;
/// A command makes no more; a script names its tables itself.
constexpr std::size_t most_tables = 64;

/// The key of the user that a call names. Without one the call is refused.
std::optional<std::string> key_of(command_call& call, const location_tables& tables,
                                  std::string_view name) {
  auto key = make_user_key(*call.text("user"), tables.form());
  if (!key)
    call.refuse(command_error::invalid_parameters,
                fmt::format("{}: username@domain expected", name));
  return key;
}

/// The table that a call names. Without one the call is refused.
storage::location_table* table_of(command_call& call, location_tables& tables) {
  storage::location_table* const table = tables.find(*call.text("table"));
  if (!table)
    call.refuse(command_error::invalid_parameters,
                fmt::format("table ({}) not found", *call.text("table")));
  return table;
}

/// A contact as people write it, without its angle brackets.
std::string_view bare(std::string_view contact) noexcept {
  if (contact.size() > 2 && contact.front() == '<' && contact.back() == '>')
    return contact.substr(1, contact.size() - 2);
  return contact;
}

/// The same contact by the comparison of URIs (RFC 3261 19.1.4).
bool is_same(const sip::binding& stored, const sip::uri& uri) {
  if (stored.contact == uri.text()) return true;
  const auto other = sip::uri::parse(stored.contact);
  return other && equivalent(*other, uri);
}

void show(location_tables& tables, command_call& call) {
  const auto key = key_of(call, tables, "ul_show_contact");
  if (!key) return;
  const auto no_user = [&] {
    call.refuse(command_error::not_found,
                fmt::format("Username {} in table {} not found", *key, *call.text("table")));
  };
  const storage::location_table* const table = tables.find(*call.text("table"));
  if (!table) return no_user();
  json::array contacts;
  const instant now = tandem::now();
  (void)table->lookup(*key, now, [&](std::span<const sip::binding> all) {
    for (const sip::binding& b : all)
      contacts.push_back({{"contact", b.contact}, {"q", b.q}, {"expires", seconds_left(b, now)}});
  });
  if (contacts.empty()) return no_user();
  call.answer({{"contacts", std::move(contacts)}});
}

std::string show_text(const json::object& reply) {
  std::string text = "200 OK\n";
  for (const json::value& v : reply.at("contacts").as_array()) {
    const json::object& c = v.as_object();
    text += fmt::format("<{}>;q={:.2f};expires={}\n", fifo_text(c, "contact"),
                        static_cast<double>(c.at("q").to_number<std::int64_t>()) / 1'000.0,
                        c.at("expires").as_int64());
  }
  return text;
}

/// What a call says of a contact. Without it the call is refused.
std::optional<sip::binding> binding_of(command_call& call, instant now) {
  sip::binding b;
  const auto refuse = [&](std::string why) -> std::optional<sip::binding> {
    call.refuse(command_error::invalid_parameters, std::move(why));
    return std::nullopt;
  };
  b.contact = bare(*call.text("contact"));
  const auto uri = sip::uri::parse(b.contact);
  if (!uri || !uri->is_sip()) return refuse("Invalid contact format");
  b.likeness = likeness(*uri);
  const std::int64_t expires = *call.integer("expires");
  if (expires < 0) return refuse("Invalid expires format");
  b.expires = expires >= permanent_seconds ? instant::max() : now + seconds{expires};
  const auto q = sip::parse_qvalue(*call.text("q"));
  if (!q) return refuse("Invalid q format");
  b.q = *q;
  const std::int64_t flags = call.integer("flags").value_or(0);
  if (flags < 0 || flags > std::numeric_limits<std::uint16_t>::max())
    return refuse("Invalid flags format");
  b.flags = static_cast<std::uint16_t>(flags);
  b.modified = now;
  b.cseq = 42;
  b.call_id = "The-Answer-To-The-Ultimate-Question-Of-Life-Universe-And-Everything";
  b.user_agent = "command";
  return b;
}

void add(location_tables& tables, command_call& call) {
  const std::string name{*call.text("table")};
  if (name.empty() || name.size() > longest_table_name ||
      (!tables.find(name) && tables.size() >= most_tables))
    return call.refuse(command_error::invalid_parameters,
                       fmt::format("Table '{}' not found in memory, use save(\"{}\") or "
                                   "lookup(\"{}\") in the configuration script first",
                                   name, name, name));
  const auto key = key_of(call, tables, "ul_add");
  if (!key) return;
  const instant now = tandem::now();
  const auto made = binding_of(call, now);
  if (!made) return;
  const auto uri = sip::uri::parse(made->contact);
  const bool is_past = made->expires <= now;
  const auto done =
      is_past
          ? result<void, storage::location_errc>{}
          : tables.table(name).update(
                *key, now, [&](std::span<const sip::binding> stored, sip::binding_edits& edits) {
                  std::optional<std::size_t> old;
                  for (std::size_t i = 0; i < stored.size() && !old; ++i)
                    if (is_same(stored[i], *uri)) old = i;
                  edits.push_back({.old = old, .put = &*made});
                  return true;
                });
  if (is_past || !done) return call.refuse(command_error::failed, "Error while adding contact");
  call.answer({{"user", *key}, {"contact", made->contact}, {"table", name}});
}

void remove_user(location_tables& tables, command_call& call) {
  const auto key = key_of(call, tables, "ul_rm");
  storage::location_table* const table = key ? table_of(call, tables) : nullptr;
  if (!table) return;
  std::int64_t removed = 0;
  const auto done = table->update(
      *key, tandem::now(), [&](std::span<const sip::binding> stored, sip::binding_edits& edits) {
        for (std::size_t i = 0; i < stored.size(); ++i) edits.push_back({.old = i, .put = nullptr});
        removed = static_cast<std::int64_t>(stored.size());
        return removed > 0;
      });
  if (!done) return call.refuse(command_error::failed, "Error while deleting user");
  call.answer({{"user", *key}, {"table", table->name()}, {"removed", removed}});
}

void remove_contact(location_tables& tables, command_call& call) {
  const auto key = key_of(call, tables, "ul_rm_contact");
  storage::location_table* const table = key ? table_of(call, tables) : nullptr;
  if (!table) return;
  const std::string contact{bare(*call.text("contact"))};
  const auto uri = sip::uri::parse(contact);
  bool has_user = false;
  bool has_contact = false;
  const auto done = table->update(
      *key, tandem::now(), [&](std::span<const sip::binding> stored, sip::binding_edits& edits) {
        has_user = !stored.empty();
        for (std::size_t i = 0; i < stored.size() && !has_contact; ++i)
          if (stored[i].contact == contact || (uri && is_same(stored[i], *uri))) {
            has_contact = true;
            edits.push_back({.old = i, .put = nullptr});
          }
        return has_contact;
      });
  if (!has_user || !has_contact)
    return call.refuse(command_error::not_found,
                       has_user
                           ? fmt::format("Contact {} in table {} not found", contact, table->name())
                           : fmt::format("Username {} in table {} not found", *key, table->name()));
  if (!done) return call.refuse(command_error::failed, "Error while deleting contact");
  call.answer({{"user", *key}, {"contact", contact}, {"table", table->name()}});
}

const control::command_parameter& table_parameter() {
  static const control::command_parameter made{.name = "table", .help = "location, or aliases"};
  return made;
}

const control::command_parameter& user_parameter() {
  static const control::command_parameter made{
      .name = "user", .help = "user, or user@domain where the script says use_domain"};
  return made;
}

} // namespace

std::vector<control::command> make_record_commands(location_tables& tables) {
  const control::command_parameter contact{.name = "contact", .help = "a SIP URI"};
  std::vector<control::command> made;
  made.push_back(
      {.name = "ul.show",
       .help = "The contacts of a user.",
       .needs = role::read,
       .parameters = {table_parameter(), user_parameter()},
       .reply = {{"contacts",
                  value_type::list,
                  "a contact",
                  {{"contact", value_type::text, "its URI"},
                   {"q", value_type::integer, "preference, in thousandths"},
                   {"expires", value_type::integer, "seconds from now; 1073741823: permanent"}}}},
       .run = [&tables](command_call call) { show(tables, call); },
       .fifo = control::fifo_form{.name = "ul_show_contact",
                                  .parameters = {{"table name"}, {"user name"}},
                                  .text = show_text}});
  made.push_back({.name = "ul.add",
                  .help = "Adds a contact of a user, or changes it.",
                  .needs = role::change,
                  .parameters = {table_parameter(),
                                 user_parameter(),
                                 contact,
                                 {.name = "expires",
                                  .type = value_type::integer,
                                  .help = "seconds from now; 1073741823: permanent"},
                                 {.name = "q", .help = "preference, from 0 to 1"},
                                 {.name = "replicate",
                                  .type = value_type::integer,
                                  .is_required = false,
                                  .help = "without effect: there is no replication"},
                                 {.name = "flags",
                                  .type = value_type::integer,
                                  .is_required = false,
                                  .help = "of the script, as a number"}},
                  .reply = {{"user", value_type::text, "as its key"},
                            {"contact", value_type::text},
                            {"table", value_type::text}},
                  .run = [&tables](command_call call) { add(tables, call); },
                  .fifo = control::fifo_form{.name = "ul_add",
                                             .parameters = {{"table name"},
                                                            {"user name"},
                                                            {"contact"},
                                                            {"expires", "expires"},
                                                            {"q"},
                                                            {"replicate", "replicate"},
                                                            {"flags", "flags"}},
                                             .text = [](const json::object& r) {
                                               return fmt::format(
                                                   "200 Added to table\n('{}','{}') to '{}'\n",
                                                   fifo_text(r, "user"), fifo_text(r, "contact"),
                                                   fifo_text(r, "table"));
                                             }}});
  made.push_back({.name = "ul.rm",
                  .help = "Removes all contacts of a user.",
                  .needs = role::change,
                  .parameters = {table_parameter(), user_parameter()},
                  .reply = {{"user", value_type::text, "as its key"},
                            {"table", value_type::text},
                            {"removed", value_type::integer, "contacts"}},
                  .run = [&tables](command_call call) { remove_user(tables, call); },
                  .fifo = control::fifo_form{.name = "ul_rm",
                                             .parameters = {{"table name"}, {"user name"}},
                                             .text = [](const json::object& r) {
                                               return fmt::format("200 user ({}, {}) deleted\n",
                                                                  fifo_text(r, "table"),
                                                                  fifo_text(r, "user"));
                                             }}});
  made.push_back({.name = "ul.rm_contact",
                  .help = "Removes one contact of a user.",
                  .needs = role::change,
                  .parameters = {table_parameter(), user_parameter(), contact},
                  .reply = {{"user", value_type::text, "as its key"},
                            {"contact", value_type::text},
                            {"table", value_type::text}},
                  .run = [&tables](command_call call) { remove_contact(tables, call); },
                  .fifo = control::fifo_form{
                      .name = "ul_rm_contact",
                      .parameters = {{"table name"}, {"user name"}, {"contact"}},
                      .text = [](const json::object& r) {
                        return fmt::format("200 Contact ({}, {}) deleted from table {}\n",
                                           fifo_text(r, "user"), fifo_text(r, "contact"),
                                           fifo_text(r, "table"));
                      }}});
  return made;
}

} // namespace tandem::modules

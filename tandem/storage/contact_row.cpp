// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/contact_row.hpp>

#include <tandem/base/printable.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <limits>

namespace tandem::storage {

namespace {

constexpr std::size_t page_size = 2'000;
/// Characters that the column takes.
constexpr std::size_t longest_user_agent = 255;

template <typename T>
T number_of(std::string_view text) {
  T made{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made);
  return error == std::errc{} ? made : T{};
}

/// "udp:192.0.2.1:5060".
std::string way_of(const sip::binding& b) {
  if (!b.received) return {};
  return fmt::format("{}:{}", name_of(b.transport), b.received.to_string());
}

void read_way(std::string_view text, sip::binding& to) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return;
  const auto address = socket_address::parse(text.substr(colon + 1));
  if (!address) return;
  for (const transport_row& row : transport_rows)
    if (row.name == text.substr(0, colon)) {
      to.transport = row.kind;
      to.received = *address;
    }
}

} // namespace

contact_row::contact_row(const sip::binding& of, const clock_pair& clocks)
    : contact{of.contact}, expires{clocks.to_sql(of.expires)}, q{fmt::format("{}.{:03}",
                                                                             of.q / 1000,
                                                                             of.q % 1000)},
      call_id{of.call_id}, cseq{std::to_string(of.cseq)}, modified{clocks.to_sql(of.modified)},
      flags{std::to_string(of.flags)}, parameters{of.parameters}, path{of.path},
      user_agent{to_printable(of.user_agent.substr(0, longest_user_agent))}, received{way_of(of)} {}

std::optional<sip::binding> contact_row::to_binding(const clock_pair& clocks) const {
  sip::binding made;
  const auto uri = sip::uri::parse(contact);
  const auto until = clocks.from_sql(expires);
  constexpr auto most = std::numeric_limits<std::uint16_t>::max();
  if (!uri || !uri->is_sip() || !until || contact.size() > most || parameters.size() > most ||
      path.size() > most || call_id.size() > most || user_agent.size() > most)
    return std::nullopt;
  made.likeness = likeness(*uri);
  made.contact = contact;
  made.expires = *until;
  made.modified = clocks.from_sql(modified).value_or(clocks.steady);
  if (made.modified == instant::max()) made.modified = clocks.steady;
  const double preference = q.empty() ? 1 : number_of<double>(q);
  made.q = static_cast<std::uint16_t>(std::lround(std::clamp(preference, 0.0, 1.0) * 1000));
  made.call_id = call_id;
  made.cseq = number_of<std::uint32_t>(cseq);
  made.flags = static_cast<std::uint16_t>(number_of<std::uint32_t>(flags));
  made.parameters = parameters;
  made.path = path;
  made.user_agent = user_agent;
  read_way(received, made);
  return made;
}

void contact_row::insert(sql_connection& in, const std::string& table, std::string_view username,
                         std::string_view domain) const {
  in.run("INSERT INTO " + table +
             " (username, domain, contact, expires, q, callid, cseq, last_modified, replicate, "
             "state, flags, parameters, path, user_agent, received) VALUES (:username, :domain, "
             ":contact, :expires, :q, :callid, :cseq, :modified, 0, 0, :flags, :parameters, "
             ":path, :user_agent, :received)",
         {username, domain, contact, expires, q, call_id, cseq, modified, flags, parameters, path,
          user_agent, received});
}

void erase_contact_rows(sql_connection& in, const std::string& table, std::string_view username,
                        std::optional<std::string_view> domain) {
  if (domain)
    in.run("DELETE FROM " + table + " WHERE username = :username AND domain = :domain",
           {username, *domain});
  else
    in.run("DELETE FROM " + table + " WHERE username = :username", {username});
}

void contact_page::read(sql_connection& in, const std::string& table, std::string_view username,
                        std::string_view domain) {
  rows_.clear();
  in.query("SELECT username, domain, contact, expires, q, callid, cseq, last_modified, flags, "
           "parameters, path, user_agent, received FROM " +
               table +
               " WHERE username >= :u1 AND (username > :u2 OR domain > :domain) ORDER BY username, "
               "domain LIMIT " +
               std::to_string(page_size),
           {username, username, domain}, 13, [this](sql_row found) {
             const auto text = [&found](std::size_t i) {
               return std::string{found[i].value_or("")};
             };
             rows_.emplace_back(row{text(0), text(1), {}});
             contact_row& to = rows_.back().value;
             std::size_t i = 2;
             for (std::string* const part :
                  {&to.contact, &to.expires, &to.q, &to.call_id, &to.cseq, &to.modified, &to.flags,
                   &to.parameters, &to.path, &to.user_agent, &to.received})
               *part = text(i++);
           });
  has_more_ = rows_.size() == page_size;
  if (!has_more_) return;
  // The user at the end may have more rows: the next page begins with him.
  const auto is_last = [this](const row& each) {
    return each.username == rows_.back().username && each.domain == rows_.back().domain;
  };
  const auto first = std::ranges::find_if(rows_, is_last);
  if (first != rows_.begin()) rows_.erase(first, rows_.end());
}

} // namespace tandem::storage

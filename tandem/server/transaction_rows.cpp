// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/transaction_rows.hpp>

#include <tandem/sip/message.hpp>

#include <boost/json.hpp>

namespace tandem::server {

namespace {

namespace json = boost::json;
using control::value_type;
using stack::transaction_state;

std::string_view to_string(stack::transaction_kind kind) noexcept {
  switch (kind) {
  case stack::transaction_kind::client_invite:
  case stack::transaction_kind::client_non_invite: return "client";
  case stack::transaction_kind::server_invite:
  case stack::transaction_kind::server_non_invite: break;
  }
  return "server";
}

/// As RFC 3261 17 and RFC 6026 call it.
std::string_view to_string(transaction_state state) noexcept {
  switch (state) {
  case transaction_state::calling: return "calling";
  case transaction_state::trying: return "trying";
  case transaction_state::proceeding: return "proceeding";
  case transaction_state::completed: return "completed";
  case transaction_state::confirmed: return "confirmed";
  case transaction_state::accepted: return "accepted";
  case transaction_state::terminated:
  case transaction_state::count_: break;
  }
  return "terminated";
}

/// What both sides have.
template <typename Transaction>
json::object row_of(const Transaction& t, const stack::target& peer, std::uint16_t shard) {
  json::object row{{"side", to_string(t.kind())},
                   {"state", to_string(t.state())},
                   {"shard", shard},
                   {"peer", peer.address.to_string()},
                   {"transport", name_of(peer.transport)}};
  // What it would send again says whose it is. Before an answer, and once nothing will be sent any
  // more, there is nothing.
  if (const auto kept = sip::message::parse(t.kept_bytes()))
    if (const auto key = kept->key()) {
      row["method"] = key->cseq_method_text;
      row["call_id"] = key->call_id;
      row["cseq"] = key->cseq;
    }
  return row;
}

} // namespace

std::vector<control::reply_field> transaction_fields() {
  return {{"side", value_type::text, "client or server"},
          {"state", value_type::text, "as RFC 3261 17 and RFC 6026 call it"},
          {"shard", value_type::integer},
          {"peer", value_type::text, "where its messages go"},
          {"transport", value_type::text},
          {"method", value_type::text, "as long as the transaction keeps a message"},
          {"call_id", value_type::text, "as method"},
          {"cseq", value_type::integer, "as method"}};
}

control::shard_page list_transactions(stack::transaction_layer& of, std::uint16_t shard,
                                      std::uint64_t from, std::size_t most) {
  // Those of servers come after all those of clients.
  constexpr std::uint64_t servers = std::uint64_t{1} << 32U;
  control::shard_page page;
  page.count = static_cast<std::int64_t>(of.size());
  if (from == control::shard_page::end) return page;
  const auto put = [&](std::uint64_t place, auto&& make_row) {
    if (page.rows.size() >= most) {
      page.next = place;
      return false;
    }
    page.rows.push_back(make_row());
    return true;
  };
  if (from < servers)
    of.for_each_client(
        [&](std::uint32_t slot, const stack::client_transaction& t) {
          return put(slot, [&] { return row_of(t, t.to(), shard); });
        },
        static_cast<std::uint32_t>(from));
  if (page.next == control::shard_page::end)
    of.for_each_server(
        [&](std::uint32_t slot, const stack::server_transaction& t) {
          return put(servers + slot, [&] { return row_of(t, t.reply_to(), shard); });
        },
        from < servers ? 0 : static_cast<std::uint32_t>(from - servers));
  return page;
}

} // namespace tandem::server

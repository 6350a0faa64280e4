// SPDX-License-Identifier: Apache-2.0
// The transactions of a shard as rows for people. On the thread of the shard.
#pragma once

#include <tandem/control/declaration.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>

namespace tandem::server {

/// The fields of a row.
[[nodiscard]] std::vector<control::reply_field> transaction_fields();

/// {"count", "transactions"}: how many there are, and the first `most` as rows.
[[nodiscard]] boost::json::value list_transactions(stack::transaction_layer& of,
                                                   std::uint16_t shard, std::size_t most);

} // namespace tandem::server

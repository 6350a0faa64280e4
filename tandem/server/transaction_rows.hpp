// SPDX-License-Identifier: Apache-2.0
// The transactions of a shard as rows for people. On the thread of the shard.
#pragma once

#include <tandem/control/declaration.hpp>
#include <tandem/control/shard_rows.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <cstddef>
#include <cstdint>

namespace tandem::server {

/// The fields of a row.
[[nodiscard]] std::vector<control::reply_field> transaction_fields();

/// Some of them as rows, from a position of an earlier page on.
[[nodiscard]] control::shard_page list_transactions(stack::transaction_layer& of,
                                                    std::uint16_t shard, std::uint64_t from,
                                                    std::size_t most);

} // namespace tandem::server

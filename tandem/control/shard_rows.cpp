// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/shard_rows.hpp>

#include <tandem/base/log.hpp>
#include <tandem/control/command_registry.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace tandem::control {

namespace json = boost::json;

shard_rows::shard_rows(io::gather& shards, question ask, std::size_t most, counter& faults)
    : shards_{shards}, ask_{std::make_shared<const question>(std::move(ask))}, left_{most},
      faults_{faults}, positions_(shards.size(), 0) {}

void shard_rows::next(taker brought) {
  using page = result<shard_page, command_error>;
  const std::size_t most = std::min(left_, rows_per_page);
  shards_.ask<page>(
      [ask = ask_, from = positions_, most](io::shard& at) -> page {
        try {
          const std::uint64_t begin = from[at.index()];
          return (*ask)(at, begin, begin == shard_page::end ? 0 : most);
        } catch (const std::exception& fault) {
          log_error("a list failed on shard {}: {}", at.index(), fault.what());
        } catch (...) {
          log_error("a list failed on shard {}", at.index());
        }
        return fail(command_error{.code = command_error::internal_error,
                                  .message = "the list failed on a shard; the log says why"});
      },
      command_registry::shard_limit,
      [self = weak_from_this(),
       brought = std::move(brought)](std::vector<std::optional<page>> pages) {
        if (const auto alive = self.lock()) alive->take(std::move(pages), brought);
      });
}

void shard_rows::take(std::vector<std::optional<result<shard_page, command_error>>> pages,
                      const taker& brought) {
  row_piece piece;
  std::int64_t count = 0;
  bool is_over = true;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (!pages[i])
      return brought(
          fail(command_error{.message = fmt::format("shard {} has not answered within {} s", i,
                                                    command_registry::shard_limit / seconds{1})}));
    if (!*pages[i]) {
      ++faults_;
      return brought(fail(std::move(pages[i]->error())));
    }
    shard_page& page = **pages[i];
    count += page.count;
    // A shard that is done was asked for its count alone.
    if (positions_[i] != shard_page::end) positions_[i] = page.next;
    is_over = is_over && positions_[i] == shard_page::end;
    for (json::value& row : page.rows) {
      if (left_ == 0) break;
      --left_;
      piece.rows.push_back(std::move(row));
    }
  }
  if (is_over || left_ == 0) piece.rest = json::object{{"count", count}};
  brought(std::move(piece));
}

} // namespace tandem::control

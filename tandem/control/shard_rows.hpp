// SPDX-License-Identifier: Apache-2.0
// The rows of all shards as one list: each piece is asked of every shard, each of which goes on
// where it stopped. On shard 0.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/control/row_source.hpp>
#include <tandem/io/gather.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace tandem::control {

/// What a shard answers to one question.
struct shard_page {
  static constexpr std::uint64_t end = std::numeric_limits<std::uint64_t>::max();

  boost::json::array rows = {};
  std::uint64_t next = end; ///< where the next page begins; end: there is none
  std::int64_t count = 0;   ///< rows that the shard has now
};

class shard_rows final : public row_source, public std::enable_shared_from_this<shard_rows> {
 public:
  /// Rows of this shard from a position on, 0 being the first: about `most` of them. Runs on the
  /// shard's thread; what it throws ends the list.
  using question = std::function<shard_page(io::shard& at, std::uint64_t from, std::size_t most)>;

  static constexpr std::size_t rows_per_page = 100;

  /// \param shards outlive this \param most rows of the whole list
  /// \param faults counts what the question throws; outlives this
  shard_rows(io::gather& shards, question ask, std::size_t most, counter& faults);

  /// With the last rows comes {"count"}: how many rows there were when they were brought.
  void next(taker brought) override;

 private:
  void take(std::vector<std::optional<result<shard_page, command_error>>> pages,
            const taker& brought);

  io::gather& shards_;
  std::shared_ptr<const question> ask_;
  std::size_t left_;
  counter& faults_;
  std::vector<std::uint64_t> positions_; ///< by shard
};

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
// Replies that are long lists: their rows come piece by piece, each when the door has room for it,
// so that nobody ever has a copy of all. The thread of the registry.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/control/command_error.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tandem::control {

struct row_piece {
  boost::json::array rows = {};
  /// The other fields of the reply. They are there with the last rows, and only then.
  std::optional<boost::json::object> rest = {};
};

/// What brings the rows. Dropped when nobody wants more of them: what it has asked for by then
/// comes back to nobody.
class row_source {
 public:
  using taker = std::function<void(result<row_piece, command_error>)>;

  row_source() = default;
  row_source(const row_source&) = delete;
  row_source& operator=(const row_source&) = delete;
  virtual ~row_source() = default;

  /// Calls `brought` once, perhaps before this returns: with the next rows, some 100 of them, or
  /// with why there are no more although the list has not ended. Not called again before that, nor
  /// after the last rows or an error.
  virtual void next(taker brought) = 0;
};

/// A reply whose first rows are there and whose other rows come later.
struct list_reply {
  std::string field; ///< of the reply, whose rows these are
  boost::json::array first;
  std::shared_ptr<row_source> more;
};

} // namespace tandem::control

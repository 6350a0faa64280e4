// SPDX-License-Identifier: Apache-2.0
// Answers of commands as text for people: lists as tables, the rest as names and values. What peers
// wrote may stand in an answer, so that no character of it reaches the terminal that could steer
// it. Any thread.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace tandem::ctl {

/// An answer as lines. Of a list whose rows have a list of their own, such as the contacts of a
/// user, each row of the inner list becomes a line.
/// \param reply JSON Schema of the answer: the order of columns
[[nodiscard]] std::string to_table(const boost::json::value& answer,
                                   const boost::json::object& reply);

} // namespace tandem::ctl

// SPDX-License-Identifier: Apache-2.0
// What an application answers: a JSON document, which docs/http-route-answer.schema.json describes.
// An answer that is not wholly understood is none: nothing of it is done. Pure functions, any
// thread.
#pragma once

#include <tandem/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::modules {

/// One place for the request to go.
struct routing_choice {
  std::string uri;        ///< the Request-URI there
  std::string next_hop;   ///< a URI that leads there; empty: `uri` itself does
  std::uint16_t q = 1000; ///< preference in thousandths
};

/// What becomes of the header lines of one name.
struct header_change {
  std::string name;
  std::vector<std::string> values; ///< these are the lines from now on; none: all are removed
};

struct routing_answer {
  enum class action : std::uint8_t {
    go_on, ///< the script does what it would do
    relay, ///< the request goes to `to`
    reply, ///< it is answered with `status`; a 3xx names `to`
  };
  action what = action::go_on;
  int status = 0;
  std::string reason; ///< empty: that of the status
  std::vector<routing_choice> to;
  std::vector<header_change> headers; ///< of the request; of the reply where that is the action
};

/// Reads an answer. \param for_invite the request is an INVITE, which only a user agent accepts: no
/// 2xx. \return the answer, or in a few words what is wrong with it; throws std::bad_alloc only
[[nodiscard]] result<routing_answer, std::string> read_routing_answer(std::string_view json,
                                                                      bool for_invite);

} // namespace tandem::modules

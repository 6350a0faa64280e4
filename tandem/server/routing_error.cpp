// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/routing_error.hpp>

namespace tandem::server {

error_answer answer_for(routing_error error, std::string_view layer) noexcept {
  const bool by_transaction = layer == "TM";
  const auto pick = [by_transaction](int status, std::string_view sl, std::string_view tm) {
    return error_answer{status, by_transaction ? tm : sl};
  };
  switch (error) {
  case routing_error::none: break;
  case routing_error::send:
    return pick(477, "Next hop could not be reached (477/SL)",
                "Next hop could not be reached (477/TM)");
  case routing_error::bad_address:
    return pick(478, "Unresolvable destination (478/SL)", "Unresolvable destination (478/TM)");
  case routing_error::bad_scheme:
    return pick(416, "Unsupported URI Scheme (416/SL)", "Unsupported URI Scheme (416/TM)");
  case routing_error::bad_uri:
    return pick(479, "The URI can not be processed (479/SL)",
                "The URI can not be processed (479/TM)");
  case routing_error::bad_request: return pick(400, "Bad Request (400/SL)", "Bad Request (400/TM)");
  case routing_error::bad_to: return pick(400, "Bad To (13/SL)", "Bad To (13/TM)");
  case routing_error::bad_tuple:
    return pick(400, "Transaction tuple incomplete (9/SL)", "Transaction tuple incomplete (9/TM)");
  case routing_error::script:
    return pick(500, "Refused by the routing script (10/SL)",
                "Refused by the routing script (10/TM)");
  case routing_error::exec:
    return pick(500, "Error in external logic (11/SL)", "Error in external logic (11/TM)");
  case routing_error::exec_overloaded:
    return pick(503, "External logic is busy (11/SL)", "External logic is busy (11/TM)");
  case routing_error::too_many_branches:
    return pick(500, "Forking capacity exceeded (12/SL)", "Forking capacity exceeded (12/TM)");
  case routing_error::out_of_transactions:
    return pick(503, "Server is busy (14/SL)", "Server is busy (14/TM)");
  case routing_error::insecure:
    return pick(480, "No Way over TLS (480/SL)", "No Way over TLS (480/TM)");
  }
  return pick(500, "Server error occurred (1/SL)", "Server error occurred (1/TM)");
}

} // namespace tandem::server

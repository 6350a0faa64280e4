// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/trying.hpp>

#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/wire.hpp>

namespace tandem::stack {

wire_message make_trying(const sip::message& request) {
  auto made = sip::write_response(request, 100, "trying -- your call is important to us");
  return made ? to_wire(std::move(*made)) : wire_message{};
}

} // namespace tandem::stack

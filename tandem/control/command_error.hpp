// SPDX-License-Identifier: Apache-2.0
// Why a command gave no result. A value.
#pragma once

#include <string>

namespace tandem::control {

/// The codes below -32000 are those of JSON-RPC 2.0, section 5.1.
struct command_error {
  static constexpr int parse_error = -32700;
  static constexpr int invalid_request = -32600;
  static constexpr int unknown_command = -32601;
  static constexpr int invalid_parameters = -32602;
  static constexpr int internal_error = -32603;
  static constexpr int failed = -32000; ///< the command itself says no
  static constexpr int not_found = -32001;
  static constexpr int not_allowed = -32002; ///< the caller's role does not do

  int code = failed;
  std::string message = {};
};

} // namespace tandem::control

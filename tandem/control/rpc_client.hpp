// SPDX-License-Identifier: Apache-2.0
// Asks the command registry of a running program by JSON-RPC, over its unix socket or over HTTP,
// for command lines: it waits, and runs a loop of its own. One thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/names/search_list.hpp>

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::control {

struct rpc_client_options {
  std::string socket = {}; ///< path of the program's unix socket; with one the rest has no effect
  /// Of the program's HTTP port; its path, when it has one, is that of the RPC.
  std::string url = {};
  secret token = {};              ///< sent as bearer token, if any
  std::string ca_file = {};       ///< PEM, for https; empty: the system's
  names::search_list search = {}; ///< what a short name in the URL may stand for; the
                                  ///< certificate must be for the name as it is written
  names::resolver_options names = {};
};

struct rpc_failure {
  enum class kind : std::uint8_t {
    wrong_usage,    ///< no URL, a certificate that cannot be read, wrong arguments
    cannot_connect, ///< nobody answers there
    not_allowed,    ///< the token is not accepted, or its role does not do
    no_answer,      ///< no JSON-RPC, or none in time
    refused,        ///< the command says no
  };
  kind what = kind::refused;
  std::string text;
};

/// How programs end that ask: 0 is for those that were answered, 1 wrong_usage, 2 cannot_connect,
/// 3 not_allowed, 4 no_answer, 5 refused.
[[nodiscard]] int exit_status_of(rpc_failure::kind what) noexcept;

/// Carries a request to the program and its answer back; waits.
class rpc_carrier {
 public:
  /// How long a program may be silent before an answer is given up.
  static constexpr duration patience = seconds{10};

  rpc_carrier() = default;
  rpc_carrier(const rpc_carrier&) = delete;
  rpc_carrier& operator=(const rpc_carrier&) = delete;
  virtual ~rpc_carrier() = default;
  [[nodiscard]] virtual result<std::string, rpc_failure> exchange(std::string request) = 0;
};

class rpc_client {
 public:
  [[nodiscard]] static result<rpc_client, rpc_failure> make(const rpc_client_options& options);
  rpc_client(rpc_client&&) noexcept;
  ~rpc_client();

  /// The result of a command with arguments by name; waits as the carrier does, and before the
  /// first one as long for the address of an HTTP server.
  [[nodiscard]] result<boost::json::value, rpc_failure> ask(std::string_view command,
                                                            boost::json::object arguments);

  /// The same with arguments as text: NAME=VALUE, or values alone for the parameters in their
  /// order. The command's declaration, which is asked for first, says what is a number or a flag.
  [[nodiscard]] result<boost::json::value, rpc_failure>
  ask_in_words(std::string_view command, const std::vector<std::string>& words);

 private:
  explicit rpc_client(std::unique_ptr<rpc_carrier> carrier);
  std::unique_ptr<rpc_carrier> carrier_;
};

} // namespace tandem::control

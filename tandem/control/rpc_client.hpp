// SPDX-License-Identifier: Apache-2.0
// Asks the command registry of a running program by JSON-RPC over HTTP, for command lines: it
// waits, and runs a loop of its own. One thread.
#pragma once

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
  std::string url;   ///< of the program's HTTP port; its path, when it has one, is that of the RPC
  secret token = {}; ///< sent as bearer token, if any
  std::string ca_file = {};       ///< PEM, for https; empty: the system's
  names::search_list search = {}; ///< what a short name in the URL may stand for; the
                                  ///< certificate must be for the name as it is written
  names::resolver_options names = {};
};

struct rpc_failure {
  enum class kind : std::uint8_t {
    wrong_usage,    ///< no URL, or a certificate that cannot be read
    cannot_connect, ///< nobody answers there
    not_allowed,    ///< the token is not accepted
    no_answer,      ///< no JSON-RPC, or none in time
    refused,        ///< the command says no
  };
  kind what = kind::refused;
  std::string text;
};

class rpc_client {
 public:
  [[nodiscard]] static result<rpc_client, rpc_failure> make(const rpc_client_options& options);
  rpc_client(rpc_client&&) noexcept;
  ~rpc_client();

  /// The result of a command with arguments by name; waits up to 10 s, and before the first one
  /// as long for the address of the server.
  [[nodiscard]] result<boost::json::value, rpc_failure> ask(std::string_view command,
                                                            boost::json::object arguments);

  /// The same with arguments as text: NAME=VALUE, or values alone for the parameters in their
  /// order. The command's declaration, which is asked for first, says what is a number or a flag.
  [[nodiscard]] result<boost::json::value, rpc_failure>
  ask_in_words(std::string_view command, const std::vector<std::string>& words);

 private:
  struct parts;
  explicit rpc_client(std::unique_ptr<parts> made);
  [[nodiscard]] result<void, rpc_failure> find_server();
  std::unique_ptr<parts> parts_;
};

} // namespace tandem::control

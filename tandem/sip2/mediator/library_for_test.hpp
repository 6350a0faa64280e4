// SPDX-License-Identifier: Apache-2.0
// For tests: a library system behind the seam of back-ends, which answers later, as a test says.
#pragma once

#include <tandem/io/shard.hpp>
#include <tandem/sip2/mediator/backend_form.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::sip2 {

/// What a library system over HTTP has said so.
inline backend_reply said(std::string_view json) { return read_json_answer(json, {}); }

class library_for_test final : public backend {
 public:
  explicit library_for_test(io::shard& loop) : loop_{loop} {}

  void send(backend_request&& request, backend_done done) override {
    seen.push_back(request);
    if (is_silent) {
      kept.push_back(std::move(done));
      return;
    }
    loop_.post([reply = answer(request), done = std::move(done)] { done(reply); });
  }
  [[nodiscard]] bool is_available() const noexcept override { return true; }

  /// Logs everybody in and knows one item.
  static backend_reply usual(const backend_request& request) {
    if (request.content.code == code::login) return said(R"({"code":"94","fixed_fields":["1"]})");
    if (request.content.code == code::end_session) return said(R"({"code":"XT"})");
    if (request.content.code == code::item_information)
      return said(R"({"code":"18","fixed_fields":["03","01","01","20261120    153457"],)"
                  R"("fields":[{"AB":"3"},{"AJ":"Emma"}]})");
    return tandem::fail(backend_error{backend_failure::status, 400, "unknown", "not known here"});
  }

  std::function<backend_reply(const backend_request&)> answer = usual;
  bool is_silent = false; ///< requests are kept and not answered
  std::vector<backend_request> seen;
  std::vector<backend_done> kept;

 private:
  io::shard& loop_;
};

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/backend_form.hpp>

#include <string>
#include <utility>

namespace tandem::sip2 {

http::request make_form_request(const backend_pool_options& options, std::string_view path,
                                const backend_request& r) {
  http::request made{.method = "POST", .target = std::string{path}};
  made.headers.reserve(5);
  std::string form;
  const auto json = to_json(r.content);
  form.reserve(r.session.size() + json.size() * 3 + 64);
  form += options.session_parameter;
  form += '=';
  http::append_form_encoded(form, r.session);
  form += '&';
  form += options.message_parameter;
  form += '=';
  http::append_form_encoded(form, json);
  if (options.method == backend_method::get) {
    made.method = "GET";
    made.target += (made.target.find('?') == std::string::npos ? '?' : '&') + form;
  } else {
    made.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    made.body = std::move(form);
  }
  made.headers.emplace_back("X-Request-Id", r.request_id);
  if (!options.idempotency_header.empty())
    made.headers.emplace_back(options.idempotency_header, r.request_id);
  made.headers.emplace_back("X-Sip2-Client", r.client);
  if (!r.account.empty()) made.headers.emplace_back("X-Sip2-Account", r.account);
  return made;
}

backend_reply read_json_answer(std::string_view body, const json_rules& rules) {
  backend_answer said;
  auto m = from_json(body, rules, &said.notes);
  if (!m) {
    return fail(backend_error{backend_failure::unusable, 0, std::string{to_text(m.error())}, {}});
  }
  said.content = std::move(*m);
  return said;
}

} // namespace tandem::sip2

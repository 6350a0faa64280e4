// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_form.hpp>

#include <tandem/base/printable.hpp>
#include <tandem/control/json_rpc.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::control {

namespace json = boost::json;

namespace {

/// The codes of the FIFO are those of SIP.
int code_of(int error) noexcept {
  switch (error) {
  case command_error::invalid_request:
  case command_error::invalid_parameters: return 400;
  case command_error::not_allowed: return 403;
  case command_error::not_found: return 404;
  default: return 500;
  }
}

class json_lines final : public fifo_list {
 public:
  std::string begin() override { return fifo_ok({}); }
  std::string row(const json::object& row) override { return to_json_text(row) + "\n"; }
  std::string end(const json::object& rest) override {
    return rest.empty() ? std::string{} : to_json_text(rest) + "\n";
  }
};

} // namespace

std::string fifo_ok(const std::vector<std::string>& lines) {
  std::string text = "200 ok\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string fifo_text(const json::object& reply, std::string_view field) {
  const json::string& text = reply.at(field).as_string();
  return to_printable({text.data(), text.size()});
}

std::string fifo_failure(const command_error& why) {
  return fmt::format("{} {}\n", code_of(why.code), why.message);
}

namespace {

/// The field of a reply that is a list of rows; null: there is none.
const json::key_value_pair* find_rows(const json::object& reply) noexcept {
  const auto found = std::ranges::find_if(reply, [](const json::key_value_pair& field) {
    const json::array* rows = field.value().if_array();
    return rows && std::ranges::all_of(*rows, [](const json::value& v) { return v.is_object(); });
  });
  return found == reply.end() ? nullptr : &*found;
}

} // namespace

std::string fifo_answer(const fifo_form* form, const json::value& reply) {
  const json::object* fields = reply.if_object();
  if (form && form->text && fields) return form->text(*fields);
  const auto* rows = fields ? find_rows(*fields) : nullptr;
  if (!rows) return fifo_ok({to_json_text(reply)});
  const auto list = make_fifo_list(form);
  std::string text = list->begin();
  for (const json::value& row : rows->value().get_array()) text += list->row(row.get_object());
  json::object rest = *fields;
  rest.erase(rows->key());
  return text + list->end(rest);
}

std::unique_ptr<fifo_list> make_fifo_list(const fifo_form* form) {
  if (form && form->list) return form->list();
  return std::make_unique<json_lines>();
}

result<json::object, std::string> fifo_arguments(std::string_view name, const fifo_form* form,
                                                 const std::vector<command_parameter>& declared,
                                                 const std::vector<std::string>& lines) {
  const auto text_of = [form](std::size_t i) {
    return form && i < form->parameters.size() ? &form->parameters[i] : nullptr;
  };
  json::object given;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    const command_parameter& p = declared[i];
    if (i >= lines.size()) {
      if (!p.is_required) continue;
      const auto* own = text_of(i);
      return fail(fmt::format("400 {}: {} expected\n", name, own ? own->expected : p.name));
    }
    json::value value = read_word(p.type, lines[i]);
    if (p.type == value_type::integer && !value.is_int64()) {
      const auto* own = text_of(i);
      return fail(own && !own->format.empty()
                      ? fmt::format("400 Invalid {} format\n", own->format)
                      : fmt::format("400 {}: '{}' must be an integer\n", name, p.name));
    }
    given[p.name] = std::move(value);
  }
  return given;
}

} // namespace tandem::control

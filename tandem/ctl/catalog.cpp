// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/catalog.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace tandem::ctl {

namespace {

namespace json = boost::json;
using control::rpc_failure;

std::string text_of(const json::object& of, std::string_view key) {
  const json::value* value = of.if_contains(key);
  return value && value->is_string()
             ? std::string{value->get_string().data(), value->get_string().size()}
             : std::string{};
}

const json::object* object_of(const json::object& of, std::string_view key) {
  const json::value* value = of.if_contains(key);
  return value ? value->if_object() : nullptr;
}

auto no_declaration() {
  return fail(rpc_failure{.what = rpc_failure::kind::no_answer,
                          .text = "the answer to help is not a declaration of commands"});
}

} // namespace

result<declared_command, rpc_failure> declared_command::fetch(const asker& ask,
                                                              std::string_view name) {
  const auto told = ask("help", {{"command", name}});
  if (!told) return fail(told.error());
  const json::object* fields = told->if_object();
  const json::object* parameters = fields ? object_of(*fields, "parameters") : nullptr;
  const json::object* reply = fields ? object_of(*fields, "reply") : nullptr;
  if (!parameters || !reply) return no_declaration();
  return declared_command{.name = text_of(*fields, "name"),
                          .help = text_of(*fields, "help"),
                          .role = text_of(*fields, "role"),
                          .parameters = control::parameters_of(*parameters),
                          .reply = *reply};
}

result<catalog, rpc_failure> catalog::fetch(const asker& ask) {
  const auto told = ask("help", {});
  if (!told) return fail(told.error());
  const json::object* fields = told->if_object();
  if (!fields) return no_declaration();
  catalog made;
  for (const auto& [name, help] : *fields)
    made.all_.emplace_back(std::string{name.data(), name.size()},
                           text_of(*fields, {name.data(), name.size()}));
  std::ranges::sort(made.all_);
  return made;
}

bool catalog::has(std::string_view name) const noexcept {
  return std::ranges::any_of(all_, [name](const auto& one) { return one.first == name; });
}

result<catalog::match, rpc_failure> catalog::find(const std::vector<std::string>& words) const {
  constexpr std::size_t most_parts = 3;
  std::string name;
  match best;
  for (std::size_t n = 0; n < std::min(words.size(), most_parts); ++n) {
    if (n > 0) name += '.';
    name += words[n];
    if (has(name)) best = {name, n + 1};
  }
  if (best.words > 0) return best;
  const std::string first = words.empty() ? std::string{} : words.front();
  std::vector<std::string> of_subject;
  for (const auto& [known, help] : all_)
    if (known.starts_with(first + ".")) of_subject.push_back(as_words(known));
  std::string remedy = "`tandemctl help` lists the commands";
  if (!of_subject.empty()) {
    remedy = fmt::format("there is {}", fmt::join(of_subject, ", "));
  } else {
    std::vector<std::string_view> names;
    for (const auto& [known, help] : all_) names.push_back(known);
    const std::string two = words.size() > 1 ? first + "." + words[1] : first;
    auto near = nearest_name(two, names);
    if (near.empty()) near = nearest_name(first, names);
    if (!near.empty()) remedy = fmt::format("did you mean `{}`?", as_words(near));
  }
  return fail(rpc_failure{
      .what = rpc_failure::kind::wrong_usage,
      .text = fmt::format("there is no command '{}'; {}", fmt::join(words, " "), remedy)});
}

std::string as_words(std::string_view name) {
  std::string words{name};
  std::ranges::replace(words, '.', ' ');
  return words;
}

} // namespace tandem::ctl

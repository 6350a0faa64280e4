// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/environment.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace tandem::modules {

namespace {

constexpr std::string_view header_prefix = "SIP_HF_";
constexpr std::size_t longest_usual_name = header_prefix.size() + 24;

/// A fold was a line break and at least one blank; parsing has made blanks of all of it (RFC 3261
/// 7.3.1), and one is what it means. Shorter runs are the sender's own and stay.
constexpr std::size_t shortest_fold = 3;

/// A variable cannot hold a NUL, which a header may have behind a backslash (RFC 3261 25.1).
void append_value(std::string& to, std::string_view value) {
  const auto count_while = [&](auto&& condition) {
    const auto* const end = std::find_if_not(value.begin(), value.end(), condition);
    return static_cast<std::size_t>(end - value.begin());
  };
  while (!value.empty()) {
    const auto plain = count_while([](char c) { return !is_blank(c) && c != '\0'; });
    to.append(value, 0, plain);
    value.remove_prefix(plain);
    const auto blanks = count_while(is_blank);
    to.append(blanks >= shortest_fold ? std::string_view{" "} : value.substr(0, blanks));
    value.remove_prefix(blanks);
    if (value.empty() || value.front() != '\0') continue;
    to.push_back(' ');
    value.remove_prefix(1);
  }
}

std::string make_variable(std::string_view name, std::string_view value) {
  std::string made;
  made.reserve(name.size() + 1 + value.size());
  made += name;
  made += '=';
  append_value(made, value);
  return made;
}

/// Old shells run what stands behind a variable that looks like a function (CVE-2014-6271).
void disarm(std::string& variable) {
  const auto value = variable.find('=') + 1;
  if (std::string_view{variable}.substr(value).starts_with("() {")) variable.erase(value, 2);
}

/// SIP_USER, SIP_OUSER: not there when the URI is none or has no place for a user.
void add_user(std::vector<std::string>& to, std::string_view name, std::string_view uri_text) {
  const auto uri = sip::uri::parse(uri_text);
  if (!uri) return;
  if (uri->is_sip())
    to.push_back(make_variable(name, uri->user()));
  else if (uri->scheme() == sip::uri_scheme::tel)
    to.push_back(make_variable(name, uri->number()));
}

void add_headers(std::vector<std::string>& to, const sip::message& request) {
  const std::size_t first = to.size();
  for (const sip::header_line& line : request.headers()) {
    std::string name = header_variable(line);
    name += '=';
    const auto known =
        std::find_if(to.begin() + static_cast<std::ptrdiff_t>(first), to.end(),
                     [&](const std::string& variable) { return variable.starts_with(name); });
    if (known != to.end()) {
      *known += ',';
      append_value(*known, line.value);
    } else {
      append_value(to.emplace_back(std::move(name)), line.value);
    }
  }
}

} // namespace

std::string transaction_id(const sip::message& request, const hash_key& secret) {
  constexpr std::ptrdiff_t half = 16; // digits
  const auto line = [&](sip::header_id id) { return request.first(id).value_or(""); };
  const std::string_view cseq = line(sip::header_id::cseq);
  std::string text;
  for (const std::string_view part :
       {line(sip::header_id::from), line(sip::header_id::to), request.call_id(),
        cseq.substr(0, cseq.find_first_of(" \t")), request.top_via()})
    (text += part) += '\n';
  std::string id(2 * half, '0');
  const auto write = [&](std::ptrdiff_t at, std::uint64_t number) {
    std::array<char, half> digits;
    char* const end = std::to_chars(digits.begin(), digits.end(), number, 16).ptr;
    std::copy_backward(digits.begin(), end, id.begin() + at + half);
  };
  write(0, keyed_hash(secret, text));
  write(half, keyed_hash({secret.k1, secret.k0}, text));
  return id;
}

std::string header_variable(const sip::header_line& line) {
  std::string made;
  made.reserve(longest_usual_name);
  made = header_prefix;
  // SER's names have no hyphen for this one; programs know it so.
  if (line.id == sip::header_id::call_id) return made += "CALLID";
  const std::string_view name = line.id == sip::header_id::unknown ? line.name : to_string(line.id);
  for (const char c : name) made += is_alnum(c) ? to_upper(c) : '_';
  return made;
}

std::vector<std::string> make_environment(const environment_source& of) {
  const std::string_view original_uri = of.request.request_uri();
  std::vector<std::string> all;
  all.reserve(8 + of.request.header_count());
  all.push_back(make_variable("SIP_SRCIP", of.source.to_string()));
  all.push_back(make_variable("SIP_RURI", of.current_uri));
  add_user(all, "SIP_USER", of.current_uri);
  // The documentation of SER has one name, its code the other.
  all.push_back(make_variable("SIP_ORURI", original_uri));
  all.push_back(make_variable("SIP_ORUI", original_uri));
  add_user(all, "SIP_OUSER", original_uri);
  all.push_back(make_variable("SIP_TID", of.transaction));
  all.push_back(make_variable("SIP_DID", of.request.to_tag()));
  add_headers(all, of.request);
  for (std::string& variable : all) disarm(variable);
  return all;
}

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/environment.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace tandem::modules {

namespace {

constexpr std::string_view header_prefix = "SIP_HF_";

/// Most environments have less than this.
constexpr std::size_t usual_size = 2048;

/// A fold was a line break and at least one blank; parsing has made blanks of all of it (RFC 3261
/// 7.3.1), and one is what it means. Shorter runs are the sender's own and stay.
constexpr std::size_t shortest_fold = 3;

/// Writes variables one behind the other.
class variable_writer {
 public:
  variable_writer() { text_.reserve(usual_size); }

  void add(std::string_view name, std::string_view value) {
    text_ += name;
    begin_value();
    append(value);
    end_value();
  }

  /// The name of a header's variable. Its value is to follow.
  void begin_header(std::string_view name);

  /// Appends to a value. A variable cannot hold a NUL, which a header may have behind a backslash
  /// (RFC 3261 25.1).
  void append(std::string_view value);

  void append_comma() { text_ += ','; }

  void end_value() {
    // Old shells run what stands behind a variable that looks like a function (CVE-2014-6271).
    if (std::string_view{text_}.substr(value_).starts_with("() {")) text_.erase(value_, 2);
    text_ += '\0';
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin_value() {
    text_ += '=';
    value_ = text_.size();
  }

  std::string text_;
  std::size_t value_ = 0; ///< where that of the last variable begins
};

void variable_writer::append(std::string_view value) {
  const auto count_while = [&](auto&& condition) {
    const auto* const end = std::find_if_not(value.begin(), value.end(), condition);
    return static_cast<std::size_t>(end - value.begin());
  };
  while (!value.empty()) {
    const auto plain = count_while([](char c) { return !is_blank(c) && c != '\0'; });
    text_.append(value, 0, plain);
    value.remove_prefix(plain);
    const auto blanks = count_while(is_blank);
    text_.append(blanks >= shortest_fold ? std::string_view{" "} : value.substr(0, blanks));
    value.remove_prefix(blanks);
    if (value.empty() || value.front() != '\0') continue;
    text_.push_back(' ');
    value.remove_prefix(1);
  }
}

constexpr char to_variable(char c) noexcept { return is_alnum(c) ? to_upper(c) : '_'; }

void variable_writer::begin_header(std::string_view name) {
  text_ += header_prefix;
  for (const char c : name) text_ += to_variable(c);
  begin_value();
}

/// Compact names as their long ones.
std::string_view long_name(const sip::header_line& line) noexcept {
  // SER's variables have no hyphen for this one; programs know it so.
  if (line.id == sip::header_id::call_id) return "CALLID";
  return line.id == sip::header_id::unknown ? line.name : to_string(line.id);
}

bool have_one_variable(const sip::header_line& a, const sip::header_line& b) noexcept {
  return std::ranges::equal(long_name(a), long_name(b), {}, to_variable, to_variable);
}

void add_headers(variable_writer& to, const sip::message& request) {
  std::vector<sip::header_line> lines;
  lines.reserve(request.header_count());
  for (const sip::header_line& line : request.headers()) lines.push_back(line);
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    to.begin_header(long_name(*line));
    to.append(line->value);
    const auto append_if_same = [&](const sip::header_line& other) {
      if (!have_one_variable(*line, other)) return false;
      to.append_comma();
      to.append(other.value);
      return true;
    };
    lines.erase(std::remove_if(line + 1, lines.end(), append_if_same), lines.end());
    to.end_value();
  }
}

/// SIP_USER, SIP_OUSER: not there when the URI is none or has no place for a user.
void add_user(variable_writer& to, std::string_view name, std::string_view uri_text) {
  const auto uri = sip::uri::parse(uri_text);
  if (!uri) return;
  if (uri->is_sip())
    to.add(name, uri->user());
  else if (uri->scheme() == sip::uri_scheme::tel)
    to.add(name, uri->number());
}

} // namespace

std::string transaction_id(const sip::message& request, const hash_key& secret) {
  constexpr std::ptrdiff_t half = 16; // digits
  const auto line = [&](sip::header_id id) { return request.first(id).value_or(""); };
  const std::string_view cseq = line(sip::header_id::cseq);
  // Of the Via what names the transaction: the rest says where this copy came from.
  const auto key = request.key();
  const bool has_branch = key && !key->branch.empty();
  std::string text;
  for (const std::string_view part : {line(sip::header_id::from), line(sip::header_id::to),
                                      request.call_id(), cseq.substr(0, cseq.find_first_of(" \t")),
                                      has_branch ? key->sent_by_host : request.top_via(),
                                      has_branch ? key->branch : std::string_view{}})
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

std::string make_environment(const environment_source& of) {
  const std::string_view original_uri = of.request.request_uri();
  variable_writer all;
  all.add("SIP_SRCIP", of.source.to_string());
  all.add("SIP_RURI", of.current_uri);
  add_user(all, "SIP_USER", of.current_uri);
  // The documentation of SER has one name, its code the other.
  all.add("SIP_ORURI", original_uri);
  all.add("SIP_ORUI", original_uri);
  add_user(all, "SIP_OUSER", original_uri);
  all.add("SIP_TID", of.transaction);
  all.add("SIP_DID", of.request.to_tag());
  add_headers(all, of.request);
  return all.take();
}

} // namespace tandem::modules

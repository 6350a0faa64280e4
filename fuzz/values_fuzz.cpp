// SPDX-License-Identifier: Apache-2.0
// The first byte chooses a header, the others are its value: what parses is written, parses again,
// and is written the same.
#include <tandem/sip/header_text.hpp>
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/values.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace tandem::sip;

void demand(bool what) {
  if (!what) std::abort();
}

volatile std::size_t asked; // keeps the questions from being left out

/// Asks every typed question there is: none of them may depend on the value being sane.
void ask(std::string_view text) {
  std::size_t seen = 0;
  for (const auto& v : list<via>{text})
    if (v)
      seen += v->has_rport() + v->rport().value_or(0) + v->ttl().value_or(0) +
              v->received().has_value() + v->maddr().has_value() + has_magic_cookie(v->branch());
  for (const auto& c : list<contact>{text})
    if (c)
      seen += c->q().value_or(0) + c->expires().value_or(0) + c->display_name().size() +
              c->tag().size();
  for (const auto& c : list<challenge>{text})
    if (c) seen += c->offers_qop("auth") + c->is_stale();
  if (const auto c = credentials::parse(text))
    seen += c->nc().value_or(0) + c->response_bytes().has_value() + c->has_userhash();
  if (const auto t = timestamp::parse(text))
    seen += t->time_span().has_value() + t->delay_span().has_value();
  if (const auto p = privacy::parse(text)) seen += p->has("id");
  asked = seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto id = static_cast<header_id>(data[0] % header_count);
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  ask(text);
  const auto fault = find_fault(id, text);
  if (fault) {
    demand(fault->offset <= text.size());
    return 0;
  }
  const auto once = rewrite(id, text);
  if (!once) {
    // Legal to receive, but never written: a NUL behind a backslash.
    demand(once.error().code == parse_errc::unsafe_text &&
           text.find('\0') != std::string_view::npos);
    return 0;
  }
  demand(once->find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
  const auto twice = rewrite(id, *once);
  demand(twice.has_value() && *twice == *once);
  return 0;
}

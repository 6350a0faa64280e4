// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/form_faults.hpp>

#include <tandem/sip2/protocol/date.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

/// What is wrong with a fixed field's value; empty when it is one of its kind.
std::string find_fixed_fault(const fixed_field& f, std::string_view value) {
  const auto is_of = [value](std::string_view set) {
    return value.find_first_not_of(set) == std::string_view::npos;
  };
  bool is_right = true;
  switch (f.kind) {
  case fixed_kind::flag: is_right = is_of("01"); break;
  case fixed_kind::yes_no: is_right = is_of("YN"); break;
  case fixed_kind::yes_no_unknown: is_right = is_of("YNU"); break;
  case fixed_kind::date: is_right = looks_like_date(value) || is_of("0") || is_of(" "); break;
  case fixed_kind::count: is_right = is_of("0123456789") || is_of(" "); break;
  case fixed_kind::patron_status:
  case fixed_kind::summary: is_right = is_of("Y "); break;
  case fixed_kind::version: is_right = value == "1.00" || value == "2.00"; break;
  case fixed_kind::language:
  case fixed_kind::number:
  case fixed_kind::limit:
  case fixed_kind::circulation:
  case fixed_kind::security:
  case fixed_kind::fee_type:
  case fixed_kind::payment_type:
  case fixed_kind::sc_status_code: is_right = is_of("0123456789"); break;
  case fixed_kind::currency:
  case fixed_kind::hold_mode:
  case fixed_kind::algorithm: break;
  }
  return is_right ? std::string{} : fmt::format("{} is '{}'", f.name, value);
}

// By position in BX (3M SIP 2.00, "Supported Messages").
constexpr std::array<std::string_view, 16> supported_names{"patron status (23)",
                                                           "checkout (11)",
                                                           "checkin (09)",
                                                           "block patron (01)",
                                                           "SC status (99)",
                                                           "resend (97)",
                                                           "login (93)",
                                                           "patron information (63)",
                                                           "end patron session (35)",
                                                           "fee paid (37)",
                                                           "item information (17)",
                                                           "item status update (19)",
                                                           "patron enable (25)",
                                                           "hold (15)",
                                                           "renew (29)",
                                                           "renew all (65)"};

} // namespace

std::vector<std::string> find_form_faults(const message& m, std::string_view line) {
  const auto* spec = m.spec();
  if (!spec) return {"an unknown code"};
  std::vector<std::string> faults;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(line, is_control)) faults.emplace_back("control characters");
  if (line.size() < 2 + spec->fixed_width())
    faults.push_back(fmt::format("{} bytes are too few for the fixed fields", line.size()));
  for (std::size_t i = 0; i < spec->fixed.size(); ++i)
    if (auto fault = find_fixed_fault(spec->fixed[i], m.fixed_at(i)); !fault.empty())
      faults.push_back(std::move(fault));
  for (std::string_view ids = spec->required; ids.size() >= 2;
       ids.remove_prefix(std::min<std::size_t>(3, ids.size())))
    if (!m.has(field_id::of(ids))) faults.push_back(fmt::format("{} is missing", ids.substr(0, 2)));
  for (const auto& f : m.fields)
    if (f.value.size() > 255)
      faults.push_back(
          fmt::format("{} has {} bytes, the standard allows 255", f.id.text(), f.value.size()));
  return faults;
}

std::vector<std::string_view> read_supported(std::string_view bx, char is) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < bx.size() && i < supported_names.size(); ++i)
    if (bx[i] == is) names.push_back(supported_names[i]);
  return names;
}

} // namespace tandem::sip2

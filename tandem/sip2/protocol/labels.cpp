// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/labels.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <cstdint>
#include <span>

namespace tandem::sip2 {
namespace {

using names = std::span<const std::string_view>;

// Each list begins with the code named beside it.
constexpr std::string_view circulation[] = { // 01
    "other",
    "on order",
    "available",
    "charged",
    "charged, not to be recalled until the recall date",
    "in process",
    "recalled",
    "waiting on the hold shelf",
    "waiting to be reshelved",
    "in transit between locations",
    "claimed returned",
    "lost",
    "missing"};
constexpr std::string_view security[] = { // 00
    "other", "none", "Tattle-Tape", "Whisper Tape"};
constexpr std::string_view fee_types[] = { // 01
    "other",  "administrative", "damage",          "overdue", "processing",
    "rental", "replacement",    "computer access", "hold fee"};
constexpr std::string_view payments[] = { // 00; 05 is of the field
    "cash", "VISA", "credit card", "", "", "check"};
constexpr std::string_view media[] = { // 000
    "other",
    "book",
    "magazine",
    "bound journal",
    "audio tape",
    "video tape",
    "CD or CDROM",
    "diskette",
    "book with diskette",
    "book with CD",
    "book with audio tape"};
constexpr std::string_view hold_types[] = { // 1
    "other", "any copy of the title", "a specific copy", "any copy at one branch"};
constexpr std::string_view languages[] = { // 000
    "unknown",
    "English",
    "French",
    "German",
    "Italian",
    "Dutch",
    "Swedish",
    "Finnish",
    "Spanish",
    "Danish",
    "Portuguese",
    "Canadian French",
    "Norwegian",
    "Hebrew",
    "Japanese",
    "Russian",
    "Arabic",
    "Polish",
    "Greek",
    "Chinese",
    "Korean",
    "North American Spanish",
    "Tamil",
    "Malay",
    "United Kingdom English",
    "Icelandic",
    "Belgian",
    "Taiwanese"};
constexpr std::string_view alerts[] = { // 00; 99 is other
    "unknown", "local hold", "hold elsewhere", "interlibrary loan", "transfer"};
constexpr std::string_view status_codes[] = { // 0
    "ok", "out of paper", "about to shut down"};

// By position.
constexpr std::string_view patron_status[] = {
    "charge privileges denied", "renewal privileges denied",   "recall privileges denied",
    "hold privileges denied",   "card reported lost",          "too many items charged",
    "too many items overdue",   "too many renewals",           "too many claims of items returned",
    "too many items lost",      "excessive outstanding fines", "excessive outstanding fees",
    "recall overdue",           "too many items billed"};
constexpr std::string_view summaries[] = { // the seventh is of the field
    "hold items",   "overdue items",     "charged items", "fine items",
    "recall items", "unavailable holds", "fees in detail"};
constexpr std::string_view supported[] = {"patron status",
                                          "checkout",
                                          "checkin",
                                          "block patron",
                                          "SC/ACS status",
                                          "resend",
                                          "login",
                                          "patron information",
                                          "end patron session",
                                          "fee paid",
                                          "item information",
                                          "item status update",
                                          "patron enable",
                                          "hold",
                                          "renew",
                                          "renew all"};

std::string numbered(names from, std::string_view value, unsigned first) {
  const auto number = parse_number<unsigned>(value);
  if (!number || *number < first || *number - first >= from.size()) return {};
  return std::string{from[*number - first]};
}

/// The names of the positions that are Y.
std::string listed(names from, std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < std::min(from.size(), value.size()); ++i) {
    if (value[i] != 'Y') continue;
    if (!out.empty()) out += ", ";
    out += from[i];
  }
  return out;
}

} // namespace

std::string label_of(fixed_kind kind, std::string_view value) {
  switch (kind) {
  case fixed_kind::flag: return value == "1" ? "yes" : value == "0" ? "no" : "";
  case fixed_kind::yes_no_unknown: return value == "U" ? "unknown" : "";
  case fixed_kind::language: return numbered(languages, value, 0);
  case fixed_kind::patron_status: return listed(patron_status, value);
  case fixed_kind::summary: return listed(summaries, value);
  case fixed_kind::circulation: return numbered(circulation, value, 1);
  case fixed_kind::security: return numbered(security, value, 0);
  case fixed_kind::fee_type: return numbered(fee_types, value, 1);
  case fixed_kind::payment_type: return numbered(payments, value, 0);
  case fixed_kind::hold_mode:
    return value == "+" ? "add" : value == "-" ? "delete" : value == "*" ? "change" : "";
  case fixed_kind::algorithm: return value == "0" ? "not encrypted" : "";
  case fixed_kind::sc_status_code: return numbered(status_codes, value, 0);
  case fixed_kind::count: return value == "    " ? "unknown" : "";
  case fixed_kind::limit: return value == "999" ? "unknown" : "";
  case fixed_kind::number:
  case fixed_kind::yes_no:
  case fixed_kind::date:
  case fixed_kind::currency:
  case fixed_kind::version: break;
  }
  return {};
}

std::string label_of(field_id id, std::string_view value) {
  if (id == field_id{"CK"}) return numbered(media, value, 0);
  if (id == field_id{"BT"}) return numbered(fee_types, value, 1);
  if (id == field_id{"BY"}) return numbered(hold_types, value, 1);
  if (id == field_id{"CV"}) return value == "99" ? "other" : numbered(alerts, value, 0);
  if (id == field_id{"BX"}) return listed(supported, value);
  return {};
}

} // namespace tandem::sip2

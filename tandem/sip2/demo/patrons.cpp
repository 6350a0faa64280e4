// SPDX-License-Identifier: Apache-2.0
// The demonstration library's messages about patrons: 23, 63, 25, 01, 35, 37.
#include <tandem/sip2/demo/ils.hpp>

#include <tandem/base/text.hpp>

#include <array>
#include <vector>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::int64_t most_loans = 10;
constexpr std::int64_t most_overdue = 3;
constexpr std::int64_t most_owed = 1000;

constexpr field_id id_aa{"AA"}, id_ad{"AD"}, id_ao{"AO"}, id_af{"AF"};

std::string count(std::size_t n) { return fmt::format("{:04}", n > 9999 ? 9999 : n); }

/// One of the lists of a patron information, and where the summary asks for it.
struct list_of_items {
  field_id id;
  std::vector<std::string> entries;
};

} // namespace

std::optional<demo_ils::patron> demo_ils::find_patron(std::string_view barcode) {
  auto row = db_.query("SELECT barcode, pin, name, address, email, phone, birth, expiry, class, "
                       "language, blocked, card_lost FROM patrons WHERE barcode = ?",
                       barcode);
  if (!row.step()) return std::nullopt;
  patron p;
  std::string* const texts[] = {&p.barcode, &p.pin,   &p.name,   &p.address,  &p.email,
                                &p.phone,   &p.birth, &p.expiry, &p.category, &p.language};
  int column = 0;
  for (auto* text : texts) *text = row.text(column++);
  p.is_blocked = row.number(10) != 0;
  p.is_card_lost = row.number(11) != 0;
  p.loans = db_.number("SELECT count(*) FROM loans WHERE patron = ?", barcode);
  p.overdue = db_.number("SELECT count(*) FROM loans WHERE patron = ? AND due < ?", barcode, now_);
  p.owed = db_.number("SELECT sum(amount) FROM fees WHERE patron = ?", barcode);
  return p;
}

demo_ils::refusal demo_ils::why_not_patron(const std::optional<patron>& p, const message& request) {
  if (!p) return "This card is not known.";
  const auto* pin = request.find(id_ad);
  return !pin || *pin == p->pin ? refusal{} : refusal{"The PIN is wrong."};
}

demo_ils::refusal demo_ils::why_not_holder(const std::optional<patron>& p, const message& request) {
  if (p && !request.has(id_ad)) return "The PIN is needed.";
  return why_not_patron(p, request);
}

std::string demo_ils::patron_status_of(const std::optional<patron>& p) const {
  std::string status(14, ' ');
  if (!p) return "YYYY          ";
  if (p->is_card_lost) status[4] = 'Y';
  if (p->loans >= most_loans) status[5] = 'Y';
  if (p->overdue >= most_overdue) status[6] = 'Y';
  if (p->owed >= most_owed) status[10] = 'Y';
  if (p->is_blocked || p->overdue >= most_overdue || p->owed >= most_owed)
    for (const std::size_t privilege : {0U, 1U, 2U, 3U}) status[privilege] = 'Y';
  else if (p->loans >= most_loans)
    status[0] = 'Y';
  return status;
}

void demo_ils::add_patron_basics(message& m, const message& request,
                                 const std::optional<patron>& p) const {
  m.add(id_ao, request.value(id_ao)).add(id_aa, request.value(id_aa));
  m.add(field_id{"AE"}, p ? p->name : "").add(field_id{"BL"}, p ? "Y" : "N");
  if (request.has(id_ad)) m.add(field_id{"CQ"}, p && p->pin == request.value(id_ad) ? "Y" : "N");
}

message demo_ils::patron_status(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  message m{code::patron_status_response,
            {patron_status_of(p), request.fixed_named("language"), today()}};
  add_patron_basics(m, request, p);
  if (const auto refused = why_not_patron(p, request); !refused.empty())
    return m.add(id_af, refused), m;
  m.add(field_id{"BH"}, "USD").add(field_id{"BV"}, to_money(p->owed));
  return m;
}

message demo_ils::patron_information(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  const auto barcode = p ? p->barcode : std::string{};
  const auto list = [&](field_id id, std::string_view sql, bool with_time) {
    list_of_items l{id, {}};
    auto rows = with_time ? db_.query(sql, barcode, now_) : db_.query(sql, barcode);
    while (rows.step()) l.entries.push_back(rows.text(0));
    return l;
  };
  // In the order of the six counts, which is that of the summary too.
  const std::array lists = {
      list(field_id{"AS"}, "SELECT item FROM holds WHERE patron = ? AND on_shelf = 1 ORDER BY id",
           false),
      list(field_id{"AT"}, "SELECT item FROM loans WHERE patron = ? AND due < ? ORDER BY due",
           true),
      list(field_id{"AU"}, "SELECT item FROM loans WHERE patron = ? ORDER BY due", false),
      list(field_id{"AV"},
           "SELECT text || ' ' || printf('%.2f', amount / 100.0) FROM fees WHERE "
           "patron = ? ORDER BY id",
           false),
      list(field_id{"BU"},
           "SELECT loans.item FROM loans WHERE loans.patron = ? AND EXISTS (SELECT 1 FROM holds "
           "WHERE holds.item = loans.item) ORDER BY due",
           false),
      list(field_id{"CD"}, "SELECT item FROM holds WHERE patron = ? AND on_shelf = 0 ORDER BY id",
           false),
  };
  message m{code::patron_information_response,
            {patron_status_of(p), request.fixed_named("language"), today(),
             count(lists[0].entries.size()), count(lists[1].entries.size()),
             count(lists[2].entries.size()), count(lists[3].entries.size()),
             count(lists[4].entries.size()), count(lists[5].entries.size())}};
  add_patron_basics(m, request, p);
  // Who has the wrong PIN learns no more than that.
  if (const auto refused = why_not_patron(p, request); !refused.empty())
    return m.add(id_af, refused), m;
  m.add(field_id{"BZ"}, "0020").add(field_id{"CA"}, count(static_cast<std::size_t>(most_overdue)));
  m.add(field_id{"CB"}, count(static_cast<std::size_t>(most_loans)));
  m.add(field_id{"CC"}, to_money(most_owed));
  m.add(field_id{"BH"}, "USD").add(field_id{"BV"}, to_money(p->owed));

  const auto summary = request.fixed_named("summary");
  const auto asked = summary.find('Y');
  if (asked < lists.size()) {
    const auto& chosen = lists[asked];
    const auto first = parse_number<std::size_t>(request.value(field_id{"BP"})).value_or(1);
    const auto last =
        parse_number<std::size_t>(request.value(field_id{"BQ"})).value_or(chosen.entries.size());
    for (std::size_t i = first > 0 ? first : 1; i <= last && i <= chosen.entries.size(); ++i)
      m.add(chosen.id, chosen.entries[i - 1]);
  }
  m.add(field_id{"BD"}, p->address).add(field_id{"BE"}, p->email).add(field_id{"BF"}, p->phone);
  m.add(field_id{"PA"}, p->expiry).add(field_id{"PB"}, p->birth).add(field_id{"PC"}, p->category);
  return m;
}

message demo_ils::patron_enable(const message& request) {
  auto p = find_patron(request.value(id_aa));
  auto refused = why_not_patron(p, request);
  if (refused.empty() && p->is_card_lost) refused = "This card was reported lost.";
  if (refused.empty()) {
    db_.run("UPDATE patrons SET blocked = 0 WHERE barcode = ?", p->barcode);
    p->is_blocked = false;
  }
  message m{code::patron_enable_response,
            {patron_status_of(p), p ? std::string_view{p->language} : "000", today()}};
  add_patron_basics(m, request, p);
  m.add_if(id_af, refused);
  return m;
}

message demo_ils::block_patron(const message& request) {
  const auto card_retained = request.fixed_named("card retained") == "Y";
  db_.run("UPDATE patrons SET blocked = 1, card_lost = max(card_lost, ?) WHERE barcode = ?",
          std::int64_t{card_retained ? 1 : 0}, request.value(id_aa));
  const auto p = find_patron(request.value(id_aa));
  message m{code::patron_status_response,
            {patron_status_of(p), p ? std::string_view{p->language} : "000", today()}};
  add_patron_basics(m, request, p);
  if (p)
    m.add_if(id_af, request.value(field_id{"AL"}));
  else
    m.add(id_af, "This card is not known.");
  return m;
}

message demo_ils::end_patron_session(const message& request) {
  const auto refused = why_not_patron(find_patron(request.value(id_aa)), request);
  message m{code::end_session_response, {refused.empty() ? "Y" : "N", today()}};
  m.add(id_ao, request.value(id_ao)).add(id_aa, request.value(id_aa));
  m.add(id_af, refused.empty() ? "Thank you for your visit." : refused);
  return m;
}

message demo_ils::fee_paid(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  const auto paid = parse_money(request.value(field_id{"BV"}));
  const auto wanted = request.value(field_id{"CG"});
  auto refused = why_not_patron(p, request);
  if (refused.empty() && (!paid || *paid == 0)) refused = "The amount cannot be read.";
  if (refused.empty() &&
      (wanted.empty() ? *paid > p->owed
                      : *paid > db_.number("SELECT sum(amount) FROM fees WHERE patron = ? AND "
                                           "CAST(id AS TEXT) = ?",
                                           p->barcode, wanted)))
    refused = "The amount is more than what is owed.";

  message m{code::fee_paid_response, {refused.empty() ? "Y" : "N", today()}};
  m.add(id_ao, request.value(id_ao)).add(id_aa, request.value(id_aa));
  if (!refused.empty()) return m.add(id_af, refused), m;

  auto rest = *paid; // the oldest fees first, or the one that was named
  std::vector<std::pair<std::int64_t, std::int64_t>> fees;
  auto rows = db_.query("SELECT id, amount FROM fees WHERE patron = ? AND (? = '' OR "
                        "CAST(id AS TEXT) = ?) ORDER BY id",
                        p->barcode, wanted, wanted);
  while (rows.step()) fees.emplace_back(rows.number(0), rows.number(1));
  for (const auto& [id, amount] : fees) {
    const auto part = std::min(rest, amount);
    db_.run("UPDATE fees SET amount = amount - ? WHERE id = ?", part, id);
    rest -= part;
  }
  db_.run("DELETE FROM fees WHERE amount <= 0");
  db_.run("INSERT INTO payments (patron, amount, how, made, reference) VALUES (?, ?, ?, ?, ?)",
          p->barcode, *paid, request.fixed_named("payment type"), now_,
          request.value(field_id{"BK"}));
  const auto reference = request.value(field_id{"BK"});
  m.add(field_id{"BK"},
        reference.empty() ? fmt::format("{}", db_.last_id()) : std::string{reference});
  m.add(id_af, "Thank you for your payment.");
  return m;
}

} // namespace tandem::sip2

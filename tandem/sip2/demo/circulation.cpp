// SPDX-License-Identifier: Apache-2.0
// The demonstration library's lending: 11, 29, 65.
#include <tandem/sip2/demo/ils.hpp>

#include <vector>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::int64_t day = 86400;
constexpr std::int64_t loan_time = 21 * day;
constexpr std::int64_t most_renewals = 3;

constexpr field_id id_aa{"AA"}, id_ab{"AB"}, id_ao{"AO"}, id_af{"AF"}, id_aj{"AJ"};

} // namespace

std::string_view demo_ils::magnetic(const std::optional<item>& i) noexcept {
  return !i ? "U" : i->is_magnetic ? "Y" : "N";
}

std::optional<demo_ils::item> demo_ils::find_item(std::string_view barcode) {
  auto row = db_.query("SELECT barcode, title, call_number, media, home, place, collection, "
                       "circulation, properties, bin, owner, rental, magnetic FROM items WHERE "
                       "barcode = ?",
                       barcode);
  if (!row.step()) return std::nullopt;
  item i;
  std::string* const texts[] = {&i.barcode,    &i.title, &i.call_number, &i.media,
                                &i.home,       &i.place, &i.collection,  &i.circulation,
                                &i.properties, &i.bin,   &i.owner};
  int column = 0;
  for (auto* text : texts) *text = row.text(column++);
  i.rental = row.number(11);
  i.is_magnetic = row.number(12) != 0;
  auto loan = db_.query("SELECT patron, due, renewals FROM loans WHERE item = ?", barcode);
  if (loan.step()) {
    i.borrower = loan.text(0);
    i.due = loan.number(1);
    i.renewals = loan.number(2);
  }
  i.waiting = db_.number("SELECT count(*) FROM holds WHERE item = ?", barcode);
  return i;
}

demo_ils::refusal demo_ils::why_not_lend(const patron& p, const std::optional<item>& i,
                                         const message& request) {
  if (!i) return "This item is not known.";
  if (patron_status_of(p).front() == 'Y') return "This card may not borrow at the moment.";
  if (!i->borrower.empty() && i->borrower != p.barcode) return "The item is on loan.";
  auto shelf = db_.query("SELECT patron FROM holds WHERE item = ? AND on_shelf = 1", i->barcode);
  if (shelf.step() && shelf.text(0) != p.barcode) return "The item is kept for another reader.";
  if (i->borrower.empty() && i->rental > 0 && request.value(field_id{"BO"}) != "Y")
    return "There is a fee for this item.";
  return {};
}

demo_ils::refusal demo_ils::why_not_renew(const patron& p, const item& i) {
  if (i.borrower != p.barcode) return "The item is not on loan to this card.";
  if (patron_status_of(p)[1] == 'Y') return "This card may not renew at the moment.";
  if (i.waiting > 0) return "Another reader waits for the item.";
  if (i.renewals >= most_renewals) return "The item has been renewed too often.";
  return {};
}

void demo_ils::add_loan_fields(message& m, const message& request,
                               const std::optional<item>& i) const {
  m.add(id_ao, request.value(id_ao)).add(id_aa, request.value(id_aa));
  m.add(id_ab, i ? std::string_view{i->barcode} : request.value(id_ab));
  m.add(id_aj, i ? i->title : "");
  m.add(field_id{"AH"}, i && i->due > 0 ? day_of(i->due) : "");
  if (i) m.add(field_id{"CK"}, i->media).add_if(field_id{"CH"}, i->properties);
}

message demo_ils::checkout(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  auto i = find_item(request.value(id_ab));
  const bool is_cancel = request.value(field_id{"BI"}) == "Y";
  const bool is_done_already = request.fixed_named("no block") == "Y"; // off-line: it has happened
  const bool is_renewal = p && i && i->borrower == p->barcode;
  message m{code::checkout_response, {"0", "N", magnetic(i), "N", today()}};
  if (is_cancel && is_renewal && why_not_patron(p, request).empty())
    return cancel_checkout(request, std::move(m));

  auto refused = why_not_patron(p, request);
  const bool is_known = refused.empty() && i; // off-line or not, somebody else's card stays so
  if (refused.empty()) refused = why_not_lend(*p, i, request);
  if (refused.empty() && is_renewal)
    refused = request.fixed_named("SC renewal policy") == "Y" ? why_not_renew(*p, *i)
                                                              : "The item is on loan to this card.";
  if (!refused.empty() && !(is_done_already && is_known)) {
    add_loan_fields(m, request, i);
    if (i && i->rental > 0)
      m.add(field_id{"BT"}, "06")
          .add(field_id{"BH"}, "USD")
          .add(field_id{"BV"}, to_money(i->rental));
    return m.add(id_af, refused), m;
  }

  i->due = now_ + loan_time;
  db_.run("INSERT INTO loans (item, patron, made, due, renewals) VALUES (?, ?, ?, ?, ?) ON "
          "CONFLICT (item) DO UPDATE SET patron = excluded.patron, due = excluded.due, renewals = "
          "excluded.renewals",
          i->barcode, p->barcode, now_, i->due, is_renewal ? i->renewals + 1 : std::int64_t{0});
  db_.run("DELETE FROM holds WHERE item = ? AND patron = ?", i->barcode, p->barcode);
  if (i->rental > 0 && !is_renewal)
    db_.run(
        "INSERT INTO fees (patron, kind, amount, text, item, made) VALUES (?, '06', ?, ?, ?, ?)",
        p->barcode, i->rental, "Rental: " + i->title, i->barcode, now_);
  m.set_fixed("ok", "1");
  m.set_fixed("renewal ok", is_renewal ? "Y" : "N");
  m.set_fixed("desensitize", i->is_magnetic ? "N" : "Y");
  add_loan_fields(m, request, i);
  m.add(id_af, is_renewal ? "Renewed." : "Enjoy your reading.");
  return m;
}

message demo_ils::cancel_checkout(const message& request, message m) {
  db_.run("DELETE FROM loans WHERE item = ?", request.value(id_ab));
  db_.run("DELETE FROM fees WHERE item = ? AND patron = ? AND kind = '06'", request.value(id_ab),
          request.value(id_aa));
  m.set_fixed("ok", "1");
  add_loan_fields(m, request, find_item(request.value(id_ab)));
  m.add(id_af, "The loan was cancelled.");
  return m;
}

message demo_ils::renew(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  auto i = find_item(request.value(id_ab));
  message m{code::renew_response, {"0", "N", magnetic(i), "N", today()}};
  auto refused = why_not_holder(p, request);
  if (refused.empty() && !i) refused = "This item is not known.";
  // Off-line it has happened already: only a renewal that nobody could have made is refused.
  const bool is_done_already =
      refused.empty() && i->borrower == p->barcode && request.fixed_named("no block") == "Y";
  if (refused.empty() && !is_done_already) refused = why_not_renew(*p, *i);
  if (refused.empty()) {
    i->due = now_ + loan_time;
    db_.run("UPDATE loans SET due = ?, renewals = renewals + 1 WHERE item = ?", i->due, i->barcode);
    m.set_fixed("ok", "1");
    m.set_fixed("renewal ok", "Y");
  }
  add_loan_fields(m, request, i);
  m.add(id_af, refused.empty() ? "Renewed." : refused);
  return m;
}

message demo_ils::renew_all(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  const auto refused = why_not_holder(p, request);
  std::vector<std::string> items, renewed, unrenewed;
  if (refused.empty()) {
    auto rows = db_.query("SELECT item FROM loans WHERE patron = ? ORDER BY due", p->barcode);
    while (rows.step()) items.push_back(rows.text(0));
  }
  for (const auto& barcode : items) {
    const auto i = find_item(barcode);
    if (!i || !why_not_renew(*p, *i).empty()) {
      unrenewed.push_back(barcode);
      continue;
    }
    db_.run("UPDATE loans SET due = ?, renewals = renewals + 1 WHERE item = ?", now_ + loan_time,
            barcode);
    renewed.push_back(barcode);
  }
  message m{code::renew_all_response,
            {refused.empty() ? "1" : "0", fmt::format("{:04}", renewed.size()),
             fmt::format("{:04}", unrenewed.size()), today()}};
  m.add(id_ao, request.value(id_ao));
  for (const auto& barcode : renewed) m.add(field_id{"BM"}, barcode);
  for (const auto& barcode : unrenewed) m.add(field_id{"BN"}, barcode);
  m.add_if(id_af, refused);
  return m;
}

} // namespace tandem::sip2

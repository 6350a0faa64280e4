// SPDX-License-Identifier: Apache-2.0
// The demonstration library's returns, holds and items: 09, 15, 17, 19.
#include <tandem/sip2/demo/ils.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::int64_t day = 86400;
constexpr std::int64_t fine_a_day = 25;
constexpr std::int64_t most_fine = 1000;

constexpr field_id id_aa{"AA"}, id_ab{"AB"}, id_ao{"AO"}, id_af{"AF"}, id_aj{"AJ"};

} // namespace

message demo_ils::checkin(const message& request) {
  const auto i = find_item(request.value(id_ab));
  message m{code::checkin_response,
            {i ? "1" : "0", i && !i->is_magnetic ? "Y" : "N", magnetic(i), "N", today()}};
  m.add(id_ao, request.value(id_ao)).add(id_ab, request.value(id_ab));
  m.add(field_id{"AQ"}, i ? i->home : "");
  if (!i) return m.add(field_id{"CV"}, "00").add(id_af, "This item is not known."), m;
  m.add(id_aj, i->title).add(field_id{"CK"}, i->media).add_if(field_id{"CL"}, i->bin);
  m.add(field_id{"CS"}, i->call_number).add(field_id{"CR"}, i->collection);
  m.add_if(field_id{"CH"}, i->properties);
  if (!i->borrower.empty()) {
    m.add(id_aa, i->borrower);
    if (i->due < now_) charge_overdue(*i);
    db_.run("DELETE FROM loans WHERE item = ?", i->barcode);
  }
  const auto here = request.value(field_id{"AP"});
  db_.run("UPDATE items SET circulation = '03', place = ? WHERE barcode = ?",
          here.empty() ? std::string_view{i->home} : here, i->barcode);
  route_returned(m, *i, here.empty() ? std::string_view{i->home} : here);
  return m;
}

void demo_ils::charge_overdue(const item& i) {
  const auto days = (now_ - i.due) / day + 1;
  db_.run("INSERT INTO fees (patron, kind, amount, text, item, made) VALUES (?, '04', ?, ?, ?, ?)",
          i.borrower, std::min(days * fine_a_day, most_fine), "Overdue: " + i.title, i.barcode,
          now_);
}

/// Where a returned item goes: to the shelf for a reader who waits, home, or back to its place.
void demo_ils::route_returned(message& m, const item& i, std::string_view here) {
  auto first = db_.query("SELECT id, patron, pickup FROM holds WHERE item = ? ORDER BY id LIMIT 1",
                         i.barcode);
  if (first.step()) {
    const bool is_here = first.text(2) == here;
    m.set_fixed("alert", "Y");
    m.add(field_id{"CV"}, is_here ? "01" : "02").add(field_id{"CT"}, first.text(2));
    m.add(field_id{"CY"}, first.text(1));
    if (const auto p = find_patron(first.text(1))) m.add(field_id{"DA"}, p->name);
    db_.run("UPDATE holds SET on_shelf = ? WHERE id = ?", std::int64_t{is_here ? 1 : 0},
            first.number(0));
    db_.run("UPDATE items SET circulation = ? WHERE barcode = ?", is_here ? "08" : "10", i.barcode);
  } else if (i.home != here) {
    m.set_fixed("alert", "Y");
    m.add(field_id{"CV"}, "04").add(field_id{"CT"}, i.home);
    db_.run("UPDATE items SET circulation = '10' WHERE barcode = ?", i.barcode);
  }
}

message demo_ils::hold(const message& request) {
  const auto p = find_patron(request.value(id_aa));
  auto i = find_item(request.value(id_ab));
  if (!i && !request.value(id_aj).empty()) { // a hold may name a title only
    auto row =
        db_.query("SELECT barcode FROM items WHERE title = ? COLLATE NOCASE", request.value(id_aj));
    if (row.step()) i = find_item(row.text(0));
  }
  message m{code::hold_response, {"0", "N", today()}};
  m.add(id_ao, request.value(id_ao)).add(id_aa, request.value(id_aa));
  m.add(id_ab, i ? std::string_view{i->barcode} : request.value(id_ab));
  m.add_if(id_aj, i ? i->title : "");
  const auto mode = request.fixed_named("hold mode");
  auto refused = why_not_patron(p, request);
  if (refused.empty() && !i) refused = "This item is not known.";
  if (!refused.empty()) {
    // said below
  } else if (mode == "+")
    refused = patron_status_of(p)[3] == 'Y' ? "This card may not place holds at the moment."
                                            : place_hold(m, request, *i);
  else if (mode == "-" || mode == "*") {
    if (mode == "-")
      db_.run("DELETE FROM holds WHERE item = ? AND patron = ?", i->barcode, p->barcode);
    else
      db_.run("UPDATE holds SET pickup = CASE WHEN ? = '' THEN pickup ELSE ? END, expires = ? "
              "WHERE item = ? AND patron = ?",
              request.value(field_id{"BS"}), request.value(field_id{"BS"}),
              request.value(field_id{"BW"}), i->barcode, p->barcode);
    if (db_.changes() == 0) refused = "There is no such hold.";
  } else {
    refused = "The hold mode is not known.";
  }
  m.set_fixed("ok", refused.empty() ? "1" : "0");
  m.add(id_af, refused.empty() ? "Done." : refused);
  return m;
}

demo_ils::refusal demo_ils::place_hold(message& m, const message& request, const item& i) {
  const auto reader = request.value(id_aa);
  if (i.borrower == reader) return "The item is on loan to this card.";
  if (db_.number("SELECT count(*) FROM holds WHERE item = ? AND patron = ?", i.barcode, reader) > 0)
    return "There is such a hold already.";
  const auto pickup = request.value(field_id{"BS"});
  db_.run("INSERT INTO holds (item, patron, placed, pickup, expires, kind) VALUES (?, ?, ?, ?, ?, "
          "?)",
          i.barcode, reader, now_, pickup.empty() ? std::string_view{i.home} : pickup,
          request.value(field_id{"BW"}),
          request.has(field_id{"BY"}) ? request.value(field_id{"BY"}) : "3");
  m.set_fixed("available", i.borrower.empty() && i.waiting == 0 ? "Y" : "N");
  m.add(field_id{"BR"}, fmt::format("{}", i.waiting + 1));
  m.add(field_id{"BS"}, pickup.empty() ? std::string_view{i.home} : pickup);
  m.add_if(field_id{"BW"}, request.value(field_id{"BW"}));
  return {};
}

message demo_ils::item_information(const message& request) {
  const auto i = find_item(request.value(id_ab));
  if (!i) {
    message m{code::item_information_response, {"01", "01", "01", today()}};
    m.add(id_ab, request.value(id_ab)).add(id_aj, "");
    return m.add(id_af, "This item is not known."), m;
  }
  message m{code::item_information_response,
            {i->borrower.empty() ? i->circulation : "04", i->is_magnetic ? "03" : "02",
             i->rental > 0 ? "06" : "01", today()}};
  m.add(id_ab, i->barcode).add(id_aj, i->title);
  m.add(field_id{"CF"}, fmt::format("{}", i->waiting));
  if (i->due > 0) m.add(field_id{"AH"}, day_of(i->due));
  m.add(field_id{"BG"}, i->owner).add(field_id{"CK"}, i->media);
  if (i->rental > 0) m.add(field_id{"BH"}, "USD").add(field_id{"BV"}, to_money(i->rental));
  m.add(field_id{"AQ"}, i->home).add(field_id{"AP"}, i->place);
  m.add_if(field_id{"CH"}, i->properties);
  m.add(field_id{"CS"}, i->call_number).add(field_id{"CR"}, i->collection);
  return m;
}

message demo_ils::item_status_update(const message& request) {
  const auto i = find_item(request.value(id_ab));
  if (i)
    db_.run("UPDATE items SET properties = ? WHERE barcode = ?", request.value(field_id{"CH"}),
            i->barcode);
  message m{code::item_status_update_response, {i ? "1" : "0", today()}};
  m.add(id_ab, request.value(id_ab));
  if (i) m.add(id_aj, i->title).add_if(field_id{"CH"}, request.value(field_id{"CH"}));
  if (!i) m.add(id_af, "This item is not known.");
  return m;
}

} // namespace tandem::sip2

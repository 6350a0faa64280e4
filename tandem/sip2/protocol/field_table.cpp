// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/field_table.hpp>

#include <algorithm>
#include <iterator>

namespace tandem::sip2 {
namespace {

constexpr auto open = privacy::open;
constexpr auto person = privacy::person;
constexpr auto hidden = privacy::secret;

constexpr field_spec row(const char (&id)[3], std::string_view name, std::uint8_t width = 0,
                         bool repeats = false, privacy who = open) {
  return {field_id{id}, name, width, repeats, who};
}

// Sorted by id: find_field searches by halves.
constexpr field_spec table[] = {
    row("AA", "patron identifier", 0, false, person),
    row("AB", "item identifier"),
    row("AC", "terminal password", 0, false, hidden),
    row("AD", "patron password", 0, false, hidden),
    row("AE", "personal name", 0, false, person),
    row("AF", "screen message", 0, true),
    row("AG", "print line", 0, true),
    row("AH", "due date"),
    row("AJ", "title identifier"),
    row("AL", "blocked card message"),
    row("AM", "library name"),
    row("AN", "terminal location"),
    row("AO", "institution id"),
    row("AP", "current location"),
    row("AQ", "permanent location"),
    row("AS", "hold items", 0, true),
    row("AT", "overdue items", 0, true),
    row("AU", "charged items", 0, true),
    row("AV", "fine items", 0, true),
    row("AY", "sequence number", 1),
    row("AZ", "checksum", 4),
    row("BD", "home address", 0, false, person),
    row("BE", "e-mail address", 0, false, person),
    row("BF", "home phone number", 0, false, person),
    row("BG", "owner"),
    row("BH", "currency type", 3),
    row("BI", "cancel", 1),
    row("BK", "transaction id"),
    row("BL", "valid patron", 1),
    row("BM", "renewed items", 0, true),
    row("BN", "unrenewed items", 0, true),
    row("BO", "fee acknowledged", 1),
    row("BP", "start item"),
    row("BQ", "end item"),
    row("BR", "queue position"),
    row("BS", "pickup location"),
    row("BT", "fee type", 2),
    row("BU", "recall items", 0, true),
    row("BV", "fee amount"),
    row("BW", "expiration date", 18),
    row("BX", "supported messages"),
    row("BY", "hold type", 1),
    row("BZ", "hold items limit", 4),
    row("CA", "overdue items limit", 4),
    row("CB", "charged items limit", 4),
    row("CC", "fee limit"),
    row("CD", "unavailable hold items", 0, true),
    row("CF", "hold queue length"),
    row("CG", "fee identifier", 0, true),
    row("CH", "item properties"),
    row("CI", "security inhibit", 1),
    row("CJ", "recall date", 18),
    row("CK", "media type", 3),
    row("CL", "sort bin"),
    row("CM", "hold pickup date", 18),
    row("CN", "login user id"),
    row("CO", "login password", 0, false, hidden),
    row("CP", "location code"),
    row("CQ", "valid patron password", 1),
    row("CR", "collection code"),
    row("CS", "call number"),
    row("CT", "destination location"),
    row("CV", "alert type", 2),
    row("CY", "hold patron id", 0, false, person),
    row("DA", "hold patron name", 0, false, person),
    row("FA", "fee amount of an account", 0, true),
    row("FB", "fee date", 0, true),
    row("FC", "fee description", 0, true),
    row("FD", "fee detail", 0, true),
    row("FE", "fee item", 0, true),
    row("FF", "fee reference", 0, true),
    row("FG", "fee balance", 0, true),
    row("FU", "borrower type"),
    row("FV", "borrower type text"),
    row("OR", "register login"),
    row("PA", "patron expiry"),
    row("PB", "patron birth date", 0, false, person),
    row("PC", "patron class"),
    row("PI", "patron internet profile"),
    row("RN", "check number"),
    row("XI", "patron internal id", 0, false, person),
};

static_assert(std::ranges::is_sorted(table, {}, &field_spec::id));

} // namespace

std::span<const field_spec> all_fields() noexcept { return table; }

const field_spec* find_field(field_id id) noexcept {
  const auto* found = std::ranges::lower_bound(table, id, {}, &field_spec::id);
  return found != std::end(table) && found->id == id ? found : nullptr;
}

privacy privacy_of(field_id id) noexcept {
  const auto* spec = find_field(id);
  return spec ? spec->who : open;
}

} // namespace tandem::sip2

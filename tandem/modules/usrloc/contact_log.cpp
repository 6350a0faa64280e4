// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/contact_log.hpp>

#include <tandem/base/log.hpp>

#include <exception>

namespace tandem::modules {

namespace {

void tell(const storage::binding_change& c, instant now) {
  using storage::change_kind;
  if (c.kind == change_kind::removed || c.kind == change_kind::expired)
    log_info("{} is no longer registered at {}{}", c.aor, c.value.contact,
             c.kind == change_kind::expired ? ": expired" : "");
  else
    log_info("{} is registered at {} for {} s, from {} by {}", c.aor, c.value.contact,
             (c.value.expires - now) / seconds{1}, c.value.received.to_string(),
             via_token(c.value.transport));
}

/// A line for which there is no memory is lost, and nothing else is.
template <typename F>
void write(F&& line) noexcept {
  try {
    line();
  } catch (const std::exception&) {
  }
}

} // namespace

bool contact_log::wants_changes() const noexcept { return is_logged(log_level::info); }

void contact_log::on_changes(std::string_view, const storage::change_set& changes,
                             instant now) noexcept {
  changes.for_each([now](const storage::binding_change& c) { write([&] { tell(c, now); }); });
}

void contact_log::on_lost(std::string_view table, std::uint64_t changes) noexcept {
  write([&] {
    log_warning("{} changes of location table {} are not in this log: they came too fast", changes,
                table);
  });
}

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/contact_changes.hpp>

#include <tandem/base/log.hpp>

namespace tandem::server {

bool are_contact_changes_told() noexcept { return is_logged(log_level::info); }

void tell_contact_changes(storage::change_set& changes, instant now) {
  using storage::change_kind;
  changes.for_each([now](const storage::binding_change& c) {
    if (c.kind == change_kind::removed || c.kind == change_kind::expired)
      log_info("{} is no longer registered at {}{}", c.aor, c.value.contact,
               c.kind == change_kind::expired ? ": expired" : "");
    else
      log_info("{} is registered at {} for {} s, from {} by {}", c.aor, c.value.contact,
               (c.value.expires - now) / seconds{1}, c.value.received.to_string(),
               via_token(c.value.transport));
  });
  changes.clear();
}

} // namespace tandem::server

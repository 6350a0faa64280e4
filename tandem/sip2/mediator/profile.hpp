// SPDX-License-Identifier: Apache-2.0
// What is particular to a kind of terminal, and to an account, as data: an administrator writes it,
// no code does. Plain values, replaced as a whole at a reload, never changed while shared.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/sip2/protocol/json.hpp>
#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::sip2 {

/// What is done to fields of an id on their way through.
struct field_filter {
  enum class action : std::uint8_t {
    strip,   ///< the field is taken out
    replace, ///< its value becomes `value`
    add,     ///< it is added, with `value`, where there is none
  };
  action what = action::strip;
  field_id id = {};
  std::string value = {};
  std::optional<std::string> only_if = {}; ///< strip and replace only where the value is this
  std::vector<message_code> messages = {}; ///< only in these; none: in all that go its way
  direction way = direction::to_sc;        ///< to_sc: answers, to_acs: requests
};

/// What becomes of a message whose code the protocol does not have.
enum class unknown_code : std::uint8_t {
  ignore, ///< as the standard says
  resend, ///< answered with 96
  close,  ///< as the original mediator did
};

struct profile {
  std::string name = "default";
  wire_format wire;
  field_order order = field_order::kept;
  null_rule nulls = null_rule::drop;
  bool forwards_error_detection = false; ///< AY goes to the back-end as a field, as it used to
  unknown_code unknown = unknown_code::ignore;
  bool needs_login = false;            ///< before anything but 93, 97 and (see below) 99
  bool has_status_before_login = true; ///< 99 is let through before a login
  bool fills_required = false; ///< required fields that the back-end left out are added empty
  std::string minimum_version = "1.00"; ///< of a 99; an older terminal is told on-line N
  duration idle_limit{0};               ///< silence after which a terminal is let go; 0: never
  duration login_limit = seconds{60};   ///< from connect to the first message; 0: none
  duration backend_deadline = seconds{30};
  duration repeat_window = seconds{10}; ///< after an answer: the same change again is a repetition
  std::vector<std::pair<std::string, std::string>> institutions; ///< AO: terminal's, back-end's
  std::string supported_mask; ///< BX is cut down to this; empty: as the back-end says
  std::vector<field_filter> filters;
  // Screen messages: the back-end did not answer; it refused, or its answer was none.
  std::string offline_text =
      "The library system cannot be reached at the moment. Please ask the staff.";
  std::string refused_text = "The library system could not answer this. Please ask the staff.";
  std::string unsure_text = ///< a change of which nobody knows whether it was made
      "The library system did not confirm this. Please let the staff check before you try again.";
  std::string relogin_on; ///< an error answer that has this text means that the back-end forgot the
                          ///< session: the login is sent again, then the message. Empty: never
};

/// A login that is known here. Logins that are not are passed to the back-end as they are.
struct account {
  std::string login = {};
  std::optional<secret> password = {};           ///< checked here when given
  std::string profile = {};                      ///< empty: that of the listener
  std::optional<std::string> backend_login = {}; ///< what the back-end gets as CN
  std::optional<secret> backend_password = {};   ///< what the back-end gets as CO
  bool asks_backend = true;  ///< else a right password is answered with 941 here
  bool is_transient = false; ///< its sessions need not survive their back-end
};

/// Everything of the configuration that a terminal consults; one consistent version.
struct terminal_rules {
  std::map<std::string, std::shared_ptr<const profile>, std::less<>> profiles;
  std::map<std::string, account, std::less<>> accounts;
  bool only_known_accounts = false; ///< a login that is not in accounts is refused here

  /// The profile of a name, or the default one. Never null once a default is there.
  [[nodiscard]] std::shared_ptr<const profile> find_profile(std::string_view name) const;
  [[nodiscard]] const account* find_account(std::string_view login) const;
};

/// The changes that a profile makes on the way to the back-end.
void apply_to_request(message& m, const profile& p);

/// The changes that it makes on the way to the terminal.
void apply_to_answer(message& m, const profile& p);

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// What a registrar does with a REGISTER (RFC 3261 10.3), over an abstract location: it is shown the
// bindings that there are and says which are added, replaced and removed. All of a request takes
// effect, or nothing of it. Sans-I/O: whoever has the location holds it still between decide() and
// list(), and applies the edits after that.
//
//   registration r{request, from, rules};
//   auto refused = r.read(flags, request.received_bytes().size());
//   if (!refused) refused = r.decide(stored, edits);
//   if (!refused) r.list(ok, room);   // the 200, while `stored` is as it was; then apply `edits`
//   else ...                          // answer `refused`
#pragma once

#include <tandem/sip/binding.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/target.hpp>

#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::stack {

/// What the operator lets phones do.
struct registration_rules {
  std::uint32_t default_expires = 3600; ///< s, when a REGISTER names no time
  std::uint32_t min_expires = 0;        ///< s; a shorter wish gets 423 (RFC 3261 10.3 step 7)
  std::uint32_t max_expires = 7200;     ///< s; a longer wish is cut to it; 0: none
  std::uint16_t default_q = 0;          ///< thousandths, when a contact names no preference
  std::size_t max_contacts = sip::most_bindings; ///< of one address of record
};

/// One REGISTER. Views the request, which outlives it. One thread.
class registration {
 public:
  // What a phone may have kept, in bytes. More is refused with 513; of User-Agent, which nobody
  // routes by, only the beginning is kept.
  static constexpr std::size_t longest_contact = 1'024; ///< a URI with its parameters
  static constexpr std::size_t longest_path = 2'048;    ///< all Path values
  static constexpr std::size_t longest_call_id = 512;
  static constexpr std::size_t longest_user_agent = 128;

  /// \param rules outlive the registration.
  registration(const sip::message& request, const arrival& from, const registration_rules& rules)
      : request_{request}, from_{from}, rules_{rules} {}
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;

  /// Reads the request; the answer that is owed when it cannot be processed.
  /// \param flags  the script's own, kept with each contact
  /// \param credit bytes of the request that count for its contacts (sip::binding_facts::paid)
  [[nodiscard]] std::optional<sip::rejection> read(std::uint16_t flags, std::size_t credit);

  /// Decides what becomes of the bindings of the address of record, of which none has ended; the
  /// answer that is owed when nothing may change.
  /// \param stored at most sip::most_bindings; lives until list() has been called
  /// \param edits  gets what is to be done; views into this and into the request
  [[nodiscard]] std::optional<sip::rejection> decide(std::span<const sip::binding> stored,
                                                     sip::binding_edits& edits);

  /// Adds what a 200 says after decide(): a Contact for each binding that there will be (10.3 step
  /// 8), by preference, then the newest first; and the Path (RFC 3327 5.3).
  /// Deviates: of contacts that do not fit into `room` bytes, those of this request are told before
  /// the others, and a Warning says how many are left out.
  void list(sip::response_writer& ok, std::size_t room);

 private:
  /// One contact of the request, judged.
  struct wish {
    sip::uri uri;
    sip::binding value;
    bool is_removal = false;
  };

  /// What the parameters of a Contact say, as they stand; empty for what is missing.
  struct wish_parameters {
    std::string_view expires;
    std::string_view q;
    std::string_view returned; ///< all others, each behind its semicolon
  };

  [[nodiscard]] std::optional<sip::rejection> read_contacts();
  [[nodiscard]] std::optional<sip::rejection> add(const sip::contact& contact,
                                                  std::optional<std::uint32_t> of_all);
  [[nodiscard]] wish_parameters read_parameters(const sip::contact& contact);
  [[nodiscard]] bool says_the_same(const sip::binding& stored, const wish& w) const noexcept;
  [[nodiscard]] bool is_own(const sip::binding* b) const noexcept;
  void note_following(std::span<const sip::binding> stored, const sip::binding_edits& edits);

  const sip::message& request_;
  const arrival& from_;
  const registration_rules& rules_;
  sip::binding common_; ///< what all contacts of the request have in common
  std::string path_;
  std::vector<std::string> parameters_; ///< of contacts that had q or expires between others
  bool is_star_ = false;
  std::size_t named_ = 0; ///< contacts, those that are named again included
  boost::container::static_vector<wish, sip::most_contacts> wishes_;
  boost::container::static_vector<const sip::binding*, sip::most_bindings + sip::most_contacts>
      following_; ///< what there will be
};

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Location of servers (RFC 3263, RFC 7984): from the URI of the next hop, or the sent-by of a Via,
// to the targets to send to, in the order to try them. A machine without I/O: it says what must be
// asked of the DNS, is told the answers, and says the targets in the end. Views the text of the URI
// or the Via, which outlives it. One thread.
//
//   auto search = *server_location::of(uri, terms);
//   while (!search.questions().empty())
//     for (std::size_t i = 0; const auto& q : search.questions()) search.take(i++, ask(q));
#pragma once

#include <tandem/base/dns_records.hpp>
#include <tandem/base/random.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/host.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/target.hpp>

#include <boost/container/small_vector.hpp>
#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::stack {

/// What is asked of the DNS. A and AAAA are one question: resolvers answer both together.
enum class dns_type : std::uint8_t { naptr, srv, address };

struct dns_question {
  std::string_view name;
  dns_type type = dns_type::address;
};

/// Why a question has no records.
enum class dns_failure : std::uint8_t {
  none,       ///< there are none, or what came cannot be read: the search goes on without
  unanswered, ///< nobody has answered: nothing is known, and the same servers would be asked again
};

/// Why a search has found nothing.
enum class search_errc : std::uint8_t {
  no_address, ///< the host has none, nor have the servers of its domain
  no_service, ///< the domain says that it has no such service (RFC 2782, a target of ".")
  no_common,  ///< the domain has services of SIP (NAPTR), of which this element has none
  unanswered, ///< no name server has answered
};

[[nodiscard]] std::string_view to_string(search_errc errc) noexcept;

/// What decides beside the URI.
struct location_terms {
  /// Transports of this element, that which it likes best first. They choose among those that a
  /// domain has; one that a URI names is obeyed anyhow.
  boost::container::static_vector<transport_kind, transport_rows.size()> transports{
      transport_kind::udp, transport_kind::tcp};
  bool asks_naptr = true;
  bool asks_srv = true;
  std::uint64_t (*random)() noexcept = random_bits; ///< spreads the load by weight
};

class server_location {
 public:
  using target_list = boost::container::small_vector<target, 1>; ///< mostly one
  using question_list = boost::container::small_vector<dns_question, 1>;
  using answer = result<dns_records, dns_failure>;

  /// So many targets are found at most, so many servers of a domain looked up.
  static constexpr std::size_t most_targets = 16;
  static constexpr std::size_t most_servers = 8;

  /// Of a request (RFC 3263 4). \param uri outlives the location. Fails when no hop can be found in
  /// it.
  [[nodiscard]] static result<server_location, hop_errc> of(const sip::uri& uri,
                                                            const location_terms& terms = {});

  /// The target of a URI whose host is an address, which needs no search (RFC 3263 4.2); nothing
  /// when a name must be looked up. Keeps and allocates nothing.
  [[nodiscard]] static result<std::optional<target>, hop_errc> find_at_once(const sip::uri& uri);

  /// Of a response whose connection and source cannot be reached any more (RFC 3263 5).
  /// \param sent_by what the Via says; outlives the location
  [[nodiscard]] static server_location of_response(const sip::host_port& sent_by,
                                                   transport_kind transport,
                                                   const location_terms& terms = {});

  /// What must be known next, none when the search is over. Views the location: ask for all before
  /// it is moved or told the last answer.
  [[nodiscard]] question_list questions() const;

  /// The answer to one of questions(), in any order; one that was given already is not taken.
  /// \param which its place among them
  void take(std::size_t which, answer&& found);

  /// Where to send, once the search is over; empty when there is nowhere.
  [[nodiscard]] target_list& targets() noexcept { return targets_; }
  /// Why there is nowhere.
  [[nodiscard]] search_errc failure() const noexcept { return failure_; }

 private:
  /// What a domain offers, and by what.
  struct service {
    std::string name; ///< of its SRV records
    transport_kind transport = transport_kind::udp;
  };
  enum class phase : std::uint8_t { naptr, srv, servers, host, over };

  server_location(const next_hop& hop, const location_terms& terms, bool is_sips);

  [[nodiscard]] bool is_usable(transport_kind kind) const noexcept;
  void enter(phase next, std::size_t questions);
  void step();
  void choose_services();
  void ask_services();
  void try_next_service();
  void ask_host();
  void add_service(transport_kind kind);
  void add(std::span<ip_address> found, std::uint16_t port, std::size_t most);

  next_hop hop_;
  location_terms terms_;
  bool is_secure_only_ = false;    ///< sips:
  bool is_named_by_naptr_ = false; ///< what services_ holds
  phase phase_ = phase::over;
  std::vector<service> services_;               ///< the best first
  std::vector<std::vector<srv_record>> offers_; ///< of each service
  std::size_t tried_ = 0;                       ///< services
  std::vector<srv_record> servers_;             ///< of the service that is tried, in their order
  std::vector<std::optional<answer>> answers_;
  std::size_t missing_ = 0;
  target_list targets_;
  search_errc failure_ = search_errc::no_address;
};

/// Puts records into the order of RFC 2782: by priority, and at random by weight among equal ones.
void order_by_weight(std::vector<srv_record>& all, std::uint64_t (*random)() noexcept);

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Host names to addresses (A and AAAA records) and domains to services (SRV and NAPTR) without ever
// waiting: c-ares on the loop of a shard, with a cache that is bounded in number and bytes and
// obeys the records' TTL. One for each shard, used on its thread.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/dns_records.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/keyed_text_hash.hpp>
#include <tandem/base/result.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/names/dns_answer.hpp>
#include <tandem/names/hosts_file.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::names {

struct resolver_options {
  std::vector<socket_address> servers; ///< none: those of /etc/resolv.conf
  duration timeout = seconds{2};       ///< of a question to one server; c-ares doubles it per round
  int tries = 2;                       ///< rounds over the servers
  std::size_t cached = 10'000;         ///< answers
  std::size_t cached_bytes = 8'000'000; ///< of all answers, with their names
  std::size_t in_flight = 2'000;        ///< questions on the way; more are refused
  duration longest_ttl = seconds{86'400};
  /// Of "there is no such name", at most: an answer that names a shorter one is obeyed (RFC 2308
  /// 5).
  duration negative_ttl = seconds{10};
  duration failure_ttl = seconds{2}; ///< of "nobody answers", so that a dead server is not flooded
  std::string hosts_path = "/etc/hosts";
};

/// Why a name has no address.
enum class resolve_error : std::uint8_t {
  bad_name,  ///< no host name: empty, too long, with other characters
  not_found, ///< there is no such name, or it has no record of that type
  timed_out, ///< no server answers
  failed,    ///< the servers answer that they cannot
  busy,      ///< too many questions are on the way
};

[[nodiscard]] std::string_view to_string(resolve_error error) noexcept;

/// Which addresses are wanted.
enum class address_family : std::uint8_t { v4, v6, any };

/// Counters; they only grow.
struct resolver_counters {
  counter asked;     ///< calls of resolve() and look_up()
  counter cached;    ///< answered from the cache or the hosts file
  counter sent;      ///< questions to servers
  counter not_found; ///< answers of servers that there is none
  counter timeouts;  ///< questions that no server has answered
  counter failures;  ///< answers of servers that they cannot tell, or that cannot be read
  counter busy;      ///< questions that were refused: too many on the way
};

class resolver {
 public:
  using answer = result<std::vector<ip_address>, resolve_error>;
  using callback = std::function<void(const answer&)>;
  using records = result<dns_records, resolve_error>;
  using records_callback = std::function<void(records&&)>;
  struct request;
  using request_handle = handle<request>;

  /// Throws std::runtime_error when c-ares cannot start.
  resolver(io::shard& loop, resolver_options options = {});
  ~resolver(); ///< pending callbacks are not called
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// Looks a name up; an address in text is its own answer. Questions under way are shared. With
  /// address_family::any IPv4 addresses come first, and one family is enough.
  /// Without memory the answer is `failed`, or std::bad_alloc comes from here.
  /// \param done called once, later, never from inside this call, unless this call throws.
  request_handle resolve(std::string_view name, address_family wanted, callback done);

  /// Asks for one type of record: a, aaaa, srv or naptr. The services of a name that the hosts file
  /// has, such as "_sip._udp.localhost", are none, and nobody is asked. Everything else is as it is
  /// with resolve().
  request_handle look_up(std::string_view name, record_type wanted, records_callback done);

  /// The callback will not be called. No effect when it has been.
  void cancel(request_handle asked) noexcept;

  /// What is known without asking: an address in text, the hosts file, the cache; nothing else.
  [[nodiscard]] std::optional<answer> find(std::string_view name, address_family wanted);
  [[nodiscard]] std::optional<records> find(std::string_view name, record_type wanted);

  [[nodiscard]] const resolver_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t cache_size() const noexcept { return cache_.size(); }
  [[nodiscard]] std::size_t cache_bytes() const noexcept { return cached_bytes_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return asked_.size(); }

 private:
  struct channel;
  struct telling;
  struct entry {
    dns_records found;
    resolve_error error{}; ///< counts when nothing was found
    instant until;
  };
  using cache = std::unordered_map<std::string, entry, keyed_text_hash>;

  [[nodiscard]] std::optional<answer> find_known(const std::string& name, address_family wanted);
  [[nodiscard]] const entry* find_cached(const std::string& question) const;
  request_handle begin(const std::optional<records>& known, records_callback done);
  void ask(const std::string& name, record_type type, request_handle by) noexcept;
  void answered(const std::string& question, entry found) noexcept;
  void remember(const std::string& question, entry found);
  cache::iterator forget(cache::iterator which) noexcept;
  void account(request_handle by, const entry& found) noexcept;
  void complete(request_handle by) noexcept;
  void tell(request_handle by);

  io::shard& loop_;
  resolver_options options_;
  hosts_file hosts_;
  slot_map<request> requests_;
  cache cache_;
  std::size_t cached_bytes_ = 0;
  /// Who waits for it.
  std::unordered_map<std::string, std::vector<request_handle>, keyed_text_hash> asked_;
  instant swept_;
  resolver_counters counters_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  std::unique_ptr<channel> channel_;
};

struct resolver::request {
  records_callback done;
  std::unique_ptr<telling> told; ///< made ahead: an answer needs no memory to be told
  dns_records found;
  resolve_error error = resolve_error::not_found;
  int awaited = 0;
};

} // namespace tandem::names

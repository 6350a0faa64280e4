// SPDX-License-Identifier: Apache-2.0
#include <tandem/names/resolver.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <ares.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <mutex>
#include <new>
#include <stdexcept>
#include <sys/epoll.h>

namespace tandem::names {

namespace {

constexpr duration sweep_interval = seconds{1};

std::string question_of(const std::string& name, record_type type) {
  const auto letter = [type] {
    switch (type) {
    case record_type::a: return '4';
    case record_type::aaaa: return '6';
    case record_type::srv: return 's';
    default: return 'n';
    }
  };
  return std::string{letter(), ' '} + name;
}

/// Behind the labels of a service and its protocol (RFC 2782): "_sip._udp.example.com".
std::string_view domain_of(std::string_view name) noexcept {
  while (name.starts_with('_')) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return name;
}

std::size_t bytes_of(const std::string& question, const dns_records& found) noexcept {
  constexpr std::size_t entry_itself = 256; // with its place in the table
  std::size_t size = entry_itself + question.size() + found.addresses.size() * sizeof(ip_address);
  for (const srv_record& r : found.servers) size += sizeof r + r.target.size();
  for (const naptr_record& r : found.services)
    size += sizeof r + r.flags.size() + r.services.size() + r.replacement.size();
  return size;
}

bool is_wanted(const ip_address& ip, address_family wanted) noexcept {
  return wanted == address_family::any || (wanted == address_family::v4) == ip.is_v4();
}

resolve_error error_of(int status) noexcept {
  switch (status) {
  case ARES_ENOTFOUND:
  case ARES_ENODATA: return resolve_error::not_found;
  case ARES_ETIMEOUT:
  case ARES_ECONNREFUSED: return resolve_error::timed_out;
  case ARES_EBADNAME: return resolve_error::bad_name;
  default: return resolve_error::failed;
  }
}

} // namespace

std::string_view to_string(resolve_error error) noexcept {
  switch (error) {
  case resolve_error::bad_name: return "this is not a host name";
  case resolve_error::not_found: return "there is no such host";
  case resolve_error::timed_out: return "no name server answers";
  case resolve_error::failed: return "the name servers cannot tell";
  case resolve_error::busy: return "too many names are being looked up";
  }
  return {};
}

/// c-ares and its sockets in the loop.
struct resolver::channel final : timer {
  struct watched final : io::readiness {
    watched(channel& of, ares_socket_t socket) noexcept : owner{of}, fd{socket} {}
    void on_ready(std::uint32_t events) override {
      const bool reads = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
      const bool writes = (events & (EPOLLOUT | EPOLLERR)) != 0;
      owner.process(reads ? fd : ARES_SOCKET_BAD, writes ? fd : ARES_SOCKET_BAD);
    }
    channel& owner;
    const ares_socket_t fd;
  };

  channel(resolver& of, const resolver_options& options) : owner{of} {
    static std::once_flag once;
    std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
    ares_options o{};
    o.timeout = static_cast<int>(std::chrono::ceil<milliseconds>(options.timeout).count());
    o.tries = options.tries;
    o.sock_state_cb = &channel::on_socket;
    o.sock_state_cb_data = this;
    const int status =
        ares_init_options(&ares, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS)
      throw std::runtime_error{fmt::format("c-ares does not start: {}", ares_strerror(status))};
    if (options.servers.empty()) return;
    std::string list;
    for (const auto& s : options.servers) list += (list.empty() ? "" : ",") + s.to_string();
    if (ares_set_servers_ports_csv(ares, list.c_str()) != ARES_SUCCESS) {
      ares_destroy(ares);
      throw std::runtime_error{fmt::format("these are not addresses of name servers: {}", list)};
    }
  }
  ~channel() {
    is_ending = true;
    ares_destroy(ares);
  }

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    // No exception passes through c-ares. A socket that is not watched is one that does not answer.
    auto& c = *static_cast<channel*>(self);
    const auto events = (readable ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                        (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    c.owner.loop_.guard([&] { c.watch(fd, events); });
  }

  void watch(ares_socket_t fd, std::uint32_t events) {
    const auto found = sockets.find(fd);
    if (events == 0) {
      if (found == sockets.end()) return;
      owner.loop_.unwatch(fd, *found->second);
      sockets.erase(found);
    } else if (found == sockets.end()) {
      const auto made = sockets.emplace(fd, std::make_unique<watched>(*this, fd)).first;
      owner.loop_.watch(fd, *made->second, events);
    } else {
      owner.loop_.rewatch(fd, *found->second, events);
    }
  }

  /// A question on its way; c-ares holds it.
  struct asked {
    channel& by;
    std::string question;
    record_type type;
    /// The name that is asked for.
    [[nodiscard]] std::string_view name() const noexcept {
      return std::string_view{question}.substr(2);
    }
  };

  void ask(const std::string& name, std::string question, record_type type) {
    ares_query(ares, name.c_str(), ns_c_in, static_cast<int>(type), &channel::on_answer,
               new asked{*this, std::move(question), type});
    arm();
  }

  static void on_answer(void* argument, int status, int, unsigned char* bytes, int size) {
    const std::unique_ptr<asked> a{static_cast<asked*>(argument)};
    if (a->by.is_ending) return;
    entry found; // without memory it stays "failed"
    found.error = resolve_error::failed;
    found.until = a->by.owner.loop_.now() + a->by.owner.options_.failure_ttl;
    a->by.owner.loop_.guard([&] {
      const std::string_view message{reinterpret_cast<const char*>(bytes),
                                     bytes ? static_cast<std::size_t>(std::max(size, 0)) : 0};
      found = a->by.read(*a, status, message);
    });
    a->by.owner.answered(a->question, std::move(found));
  }

  entry read(const asked& a, int status, std::string_view message) const {
    const resolver_options& options = owner.options_;
    entry e;
    duration ttl = options.failure_ttl;
    e.error = error_of(status);
    if (status == ARES_SUCCESS || e.error == resolve_error::not_found) {
      auto answer = read_answer(message, a.name(), a.type);
      if (!answer) {
        e.error = resolve_error::failed;
      } else if (status == ARES_SUCCESS && !answer->records.empty()) {
        e.found = std::move(answer->records);
        ttl = std::min<duration>(answer->ttl.value_or(seconds{0}), options.longest_ttl);
      } else {
        e.error = resolve_error::not_found;
        ttl = std::min<duration>(answer->ttl.value_or(seconds{86'400}), options.negative_ttl);
      }
    }
    // A TTL of 0 still serves the requests of this moment.
    e.until = owner.loop_.now() + std::max<duration>(ttl, seconds{1});
    return e;
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(ares, readable, writable);
    arm();
  }
  void on_timer(instant) override { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  void arm() {
    timeval wait{};
    if (!ares_timeout(ares, nullptr, &wait)) return cancel();
    owner.loop_.timers().arm(*this,
                             owner.loop_.now() + seconds{wait.tv_sec} + microseconds{wait.tv_usec});
  }

  resolver& owner;
  ares_channel ares = nullptr;
  bool is_ending = false;
  std::unordered_map<ares_socket_t, std::unique_ptr<watched>> sockets;
};

/// The answer to one request, on its way to the next turn.
struct resolver::telling final : io::errand {
  explicit telling(resolver& asked) : of{asked}, alive{asked.alive_} {}
  void run() override {
    if (!alive.expired()) of.tell(by);
  }
  resolver& of;
  std::weak_ptr<const bool> alive;
  request_handle by;
};

resolver::resolver(io::shard& loop, resolver_options options)
    : loop_{loop}, options_{std::move(options)}, hosts_{options_.hosts_path}, swept_{loop.now()},
      channel_{std::make_unique<channel>(*this, options_)} {}

resolver::~resolver() = default;

resolver::request_handle resolver::begin(const std::optional<records>& known,
                                         records_callback done) {
  ++counters_.asked;
  auto told = std::make_unique<telling>(*this);
  const request_handle by = requests_.emplace();
  request& r = *requests_.find(by);
  told->by = by;
  r.told = std::move(told);
  r.done = std::move(done);
  r.awaited = 1;
  if (!known) return by;
  ++counters_.cached;
  entry all;
  if (*known)
    all.found = **known;
  else
    all.error = known->error();
  account(by, all);
  return by;
}

resolver::request_handle resolver::resolve(std::string_view name, address_family wanted,
                                           callback done) {
  const auto known = find(name, wanted);
  const std::string key = canonical_name(name);
  std::optional<records> at_once;
  if (known && *known)
    at_once = dns_records{.addresses = **known, .servers = {}, .services = {}};
  else if (known)
    at_once = fail(known->error());
  const request_handle by = begin(at_once, [done = std::move(done)](records&& found) {
    // Nothing is copied: without memory nobody would be told.
    done(found ? answer{std::move(found->addresses)} : answer{fail(found.error())});
  });
  if (known) return by;
  if (wanted == address_family::any) requests_.find(by)->awaited = 2;
  if (wanted != address_family::v6) ask(key, record_type::a, by);
  if (wanted != address_family::v4) ask(key, record_type::aaaa, by);
  return by;
}

resolver::request_handle resolver::look_up(std::string_view name, record_type wanted,
                                           records_callback done) {
  const auto known = find(name, wanted);
  const std::string key = canonical_name(name);
  const request_handle by = begin(known, std::move(done));
  if (!known) ask(key, wanted, by);
  return by;
}

void resolver::cancel(request_handle asked) noexcept { requests_.erase(asked); }

std::optional<resolver::answer> resolver::find(std::string_view name, address_family wanted) {
  if (const auto ip = ip_address::parse(name)) {
    if (!is_wanted(*ip, wanted)) return fail(resolve_error::not_found);
    return std::vector{*ip};
  }
  const std::string key = canonical_name(name);
  if (key.empty()) return fail(resolve_error::bad_name);
  return find_known(key, wanted);
}

std::optional<resolver::records> resolver::find(std::string_view name, record_type wanted) {
  if (wanted == record_type::a || wanted == record_type::aaaa) {
    const auto known =
        find(name, wanted == record_type::a ? address_family::v4 : address_family::v6);
    if (!known) return std::nullopt;
    if (!*known) return fail(known->error());
    return dns_records{.addresses = **known, .servers = {}, .services = {}};
  }
  if (ip_address::parse(name)) return fail(resolve_error::not_found);
  const std::string key = canonical_name(name);
  if (key.empty()) return fail(resolve_error::bad_name);
  if (hosts_.find(std::string{domain_of(key)}, loop_.now())) return fail(resolve_error::not_found);
  const entry* const known = find_cached(question_of(key, wanted));
  if (!known) return std::nullopt;
  if (known->found.empty()) return fail(known->error);
  return known->found;
}

std::optional<resolver::answer> resolver::find_known(const std::string& name,
                                                     address_family wanted) {
  if (const auto* listed = hosts_.find(name, loop_.now())) {
    std::vector<ip_address> found;
    for (const bool v4 : {true, false})
      for (const ip_address& ip : *listed)
        if (ip.is_v4() == v4 && is_wanted(ip, wanted)) found.push_back(ip);
    if (found.empty()) return fail(resolve_error::not_found);
    return found;
  }
  const entry* v4 =
      wanted == address_family::v6 ? nullptr : find_cached(question_of(name, record_type::a));
  const entry* v6 =
      wanted == address_family::v4 ? nullptr : find_cached(question_of(name, record_type::aaaa));
  if ((wanted != address_family::v6 && !v4) || (wanted != address_family::v4 && !v6))
    return std::nullopt;
  std::vector<ip_address> found;
  for (const entry* e : {v4, v6})
    if (e) found.insert(found.end(), e->found.addresses.begin(), e->found.addresses.end());
  if (found.empty()) return fail((v4 ? v4 : v6)->error);
  return found;
}

const resolver::entry* resolver::find_cached(const std::string& question) const {
  const auto found = cache_.find(question);
  return found == cache_.end() || found->second.until <= loop_.now() ? nullptr : &found->second;
}

void resolver::ask(const std::string& name, record_type type, request_handle by) noexcept try {
  std::string question = question_of(name, type);
  if (const entry* known = find_cached(question)) return account(by, *known);
  if (const auto found = asked_.find(question); found != asked_.end()) {
    found->second.push_back(by);
    return;
  }
  if (asked_.size() >= options_.in_flight) {
    ++counters_.busy;
    entry none;
    none.error = resolve_error::busy;
    return account(by, none);
  }
  // Either it is asked, or nobody is left waiting for it.
  const auto waiting = asked_.try_emplace(question).first;
  try {
    waiting->second.push_back(by);
    channel_->ask(name, std::move(question), type);
  } catch (const std::bad_alloc&) {
    asked_.erase(waiting);
    throw;
  }
  ++counters_.sent;
} catch (const std::bad_alloc&) {
  entry none;
  none.error = resolve_error::failed;
  account(by, none);
}

void resolver::answered(const std::string& question, entry found) noexcept {
  std::vector<request_handle> waiting;
  if (const auto at = asked_.find(question); at != asked_.end()) {
    waiting = std::move(at->second);
    asked_.erase(at);
  }
  if (found.found.empty()) {
    ++(found.error == resolve_error::not_found   ? counters_.not_found
       : found.error == resolve_error::timed_out ? counters_.timeouts
                                                 : counters_.failures);
    log_debug("dns: {}: {}", question.substr(2), to_string(found.error));
  }
  for (const request_handle by : waiting) account(by, found);
  loop_.guard([&] { remember(question, std::move(found)); });
}

void resolver::remember(const std::string& question, entry found) {
  const std::size_t size = bytes_of(question, found.found);
  const auto has_room = [&] {
    return cache_.size() < options_.cached && cached_bytes_ + size <= options_.cached_bytes;
  };
  if (const auto old = cache_.find(question); old != cache_.end()) forget(old);
  if (!has_room() && loop_.now() - swept_ >= sweep_interval) {
    swept_ = loop_.now();
    for (auto e = cache_.begin(); e != cache_.end();)
      e = e->second.until <= loop_.now() ? forget(e) : std::next(e);
  }
  while (!has_room() && !cache_.empty()) forget(cache_.begin());
  if (size > options_.cached_bytes) return;
  cache_.emplace(question, std::move(found));
  cached_bytes_ += size;
}

resolver::cache::iterator resolver::forget(cache::iterator which) noexcept {
  cached_bytes_ -= bytes_of(which->first, which->second.found);
  return cache_.erase(which);
}

void resolver::account(request_handle by, const entry& found) noexcept {
  request* r = requests_.find(by);
  if (!r) return;
  // Of two failures the one that is not final is told: it is worth another try.
  if (found.found.empty() && found.error != resolve_error::not_found) r->error = found.error;
  const bool has_room = loop_.guard([&] {
    if (r->found.empty()) {
      r->found = found.found;
    } else { // the other family; IPv4 comes first
      const auto& more = found.found.addresses;
      auto& all = r->found.addresses;
      const bool is_first = !more.empty() && more.front().is_v4();
      all.insert(is_first ? all.begin() : all.end(), more.begin(), more.end());
    }
  });
  if (!has_room) {
    r->found = {};
    r->error = resolve_error::failed;
  }
  if (--r->awaited == 0) complete(by);
}

void resolver::complete(request_handle by) noexcept {
  loop_.post(std::move(requests_.find(by)->told));
}

void resolver::tell(request_handle by) {
  request* r = requests_.find(by);
  if (!r) return;
  const records_callback done = std::move(r->done);
  dns_records all = std::move(r->found);
  const resolve_error error = r->error;
  requests_.erase(by);
  // One family is enough.
  done(all.empty() ? records{fail(error)} : records{std::move(all)});
}

} // namespace tandem::names

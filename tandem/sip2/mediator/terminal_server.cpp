// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal_server.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/source_network.hpp>
#include <tandem/sip2/mediator/terminal_link.hpp>

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unordered_map>

namespace tandem::sip2 {
namespace {

/// Dead terminals are noticed: a switch that was turned off sends no FIN.
void keep_alive(int fd) {
  const auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 120);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 6);
}

constexpr duration flush_limit = seconds{1}; // for the last refusals to leave at the end

bool is_listed(const std::vector<ip_prefix>& list, const ip_address& ip) {
  return list.empty() ||
         std::ranges::any_of(list, [&ip](const ip_prefix& p) { return p.contains(ip); });
}

} // namespace

struct terminal_server::drain_state final : timer {
  drain_state(terminal_server& s, std::function<void()> d) : server{s}, done{std::move(d)} {}
  /// First what is in progress is refused; what then cannot even be written is cut.
  void on_timer(instant now) override {
    const bool is_first = !std::exchange(has_given_up, true);
    if (is_first) server.loop_.timers().arm(*this, now + flush_limit); // whatever fails below
    std::vector<link_key> left;
    server.links_.for_each([&](link_key key, auto&) { left.push_back(key); });
    if (is_first)
      log_warning("{} terminals were not finished in time; what they asked for is refused",
                  left.size());
    for (const auto key : left)
      if (auto* link = server.links_.find(key))
        is_first ? (*link)->give_up("shutting down") : (*link)->abandon();
  }
  terminal_server& server;
  std::function<void()> done;
  bool has_given_up = false;
};

terminal_server::terminal_server(io::shard& loop, backend& library, server_options options,
                                 std::shared_ptr<const terminal_rules> rules)
    : loop_{loop}, library_{library}, options_{options}, rules_{std::move(rules)} {}

terminal_server::~terminal_server() = default;

std::string terminal_server::set_listeners(const std::vector<listener_options>& wanted) {
  std::string fault;
  const auto complain = [&fault](std::string_view text) {
    if (!fault.empty()) fault += '\n';
    fault += text;
  };
  std::vector<std::shared_ptr<listener>> next;
  for (const auto& options : wanted) {
    io::tls_context tls;
    if (options.is_tls) {
      auto made = io::tls_context::server(options.tls);
      if (!made) {
        complain("listener " + options.name + ": " + made.error());
        // What listens already goes on with the certificate it has.
        const auto old = std::ranges::find_if(listeners_, [&](const auto& l) {
          return l->options.address == options.address && l->options.is_tls;
        });
        if (old != listeners_.end()) next.push_back(*old);
        continue;
      }
      tls = *made;
    }
    const auto old = std::ranges::find_if(
        listeners_, [&](const auto& l) { return l->options.address == options.address; });
    if (old != listeners_.end()) {
      (*old)->options = options;
      (*old)->tls = tls;
      next.push_back(*old);
      continue;
    }
    auto on = std::make_shared<listener>();
    on->options = options;
    on->tls = tls;
    auto socket = io::tcp_listener::listen(
        loop_, options.address,
        [this, weak = std::weak_ptr{on}](io::unique_fd fd, const socket_address& peer) {
          if (const auto l = weak.lock()) accept(l, std::move(fd), peer);
        });
    if (!socket) {
      complain("listener " + options.name + ": " + socket.error());
      continue;
    }
    on->socket = std::move(*socket);
    log_notice("listening at {} ({}{})", on->socket->address().to_string(), options.name,
               options.is_tls ? ", TLS" : "");
    next.push_back(std::move(on));
  }
  close_all_but(next);
  listeners_ = std::move(next);
  return fault;
}

/// Terminals hold on to the listener they came by; its socket goes without them.
void terminal_server::close_all_but(const std::vector<std::shared_ptr<listener>>& kept) {
  for (const auto& l : listeners_)
    if (std::ranges::find(kept, l) == kept.end()) l->socket.reset();
}

std::vector<socket_address> terminal_server::addresses() const {
  std::vector<socket_address> all;
  for (const auto& l : listeners_) all.push_back(l->socket->address());
  return all;
}

void terminal_server::accept(const std::shared_ptr<listener>& on, io::unique_fd fd,
                             const socket_address& peer) {
  if (on->options.has_proxy_header) {
    if (!is_listed(on->options.proxies, peer.ip)) {
      ++counters_.refused_address;
      log_warning("[{}] refused: not one of the load balancers of {}", peer.to_string(),
                  on->options.name);
      return;
    }
    make_room_for_unnamed();
  } else if (!admit(*on, peer)) {
    return;
  }
  keep_alive(fd.get());
  ++counters_.accepted;
  const auto key = links_.emplace();
  try {
    auto& place = *links_.find(key);
    place = std::make_unique<terminal_link>(*this, key, on, peer);
    place->start(std::move(fd), on->tls);
  } catch (const std::bad_alloc&) {
    links_.erase(key);
    throw;
  }
}

/// When all places are taken, the address that holds most of those without a login gives one of
/// them to a newcomer from elsewhere: what one host sends, answered or not, keeps nobody out. Where
/// addresses hold as many, it is the one that came first. An only link that the back-end has
/// answered stays, so that terminals of a library without logins do not displace each other in
/// turns; so as many addresses as there are places, each of them answered, keep others out.
/// O(links). \return whether there is a place now.
bool terminal_server::make_place(const ip_address& newcomer) {
  struct share {
    std::size_t links = 0;
    link_key least;
    terminal_link::merit of_least;
    instant came; ///< that one

    /// It gives a link rather than the other one does.
    [[nodiscard]] bool is_before(const share& other) const noexcept {
      if (links != other.links) return links > other.links;
      if (of_least.is_proven != other.of_least.is_proven) return !of_least.is_proven;
      return came < other.came;
    }
  };
  std::unordered_map<ip_address, share> shares;
  links_.for_each([&](link_key key, auto& link) {
    const auto merit = link->weigh();
    if (!merit) return;
    auto& of = shares[source_network(link->from())];
    if (of.links++ > 0 && *merit >= of.of_least) return;
    of.least = key;
    of.of_least = *merit;
    of.came = link->began();
  });
  const auto most = std::ranges::min_element(
      shares, [](const auto& a, const auto& b) { return a.second.is_before(b.second); });
  if (most == shares.end()) return false;
  const share& of = most->second;
  const auto own = shares.find(source_network(newcomer));
  const std::size_t own_links = own == shares.end() ? 0 : own->second.links;
  if (of.links <= own_links || (of.links == 1 && of.of_least.is_proven)) return false;
  ++counters_.displaced;
  const auto least = of.least;
  (*links_.find(least))->give_up("all places are taken, and it has not logged in");
  if (auto* left = links_.find(least)) (*left)->abandon();
  return connected_ < options_.max_clients;
}

/// The one that has waited for its header for longest gives its place to a newcomer.
void terminal_server::make_room_for_unnamed() {
  if (unnamed_count_ < most_unnamed) return;
  terminal_link& oldest = unnamed_.front();
  leave_unnamed(oldest);
  ++counters_.displaced;
  oldest.give_up("too many connections wait for their PROXY header");
}

void terminal_server::enter_unnamed(terminal_link& link) noexcept {
  unnamed_.push_back(link);
  ++unnamed_count_;
}

void terminal_server::leave_unnamed(terminal_link& link) noexcept {
  list_hook<unnamed>& place = link;
  if (!place.is_linked()) return;
  place.unlink();
  --unnamed_count_;
}

/// Whether the terminal at this address may come in, for which another one may have to go; tells
/// the log when not. Who may not come in displaces nobody.
bool terminal_server::admit(const listener& on, const socket_address& from) {
  if (!is_listed(on.options.allowed, from.ip)) {
    ++counters_.refused_address;
    log_warning("[{}] refused: not on the list of {}", from.to_string(), on.options.name);
    return false;
  }
  const auto most = options_.max_clients_per_address;
  if (most > 0 && by_address_.of(from.ip) >= most) {
    ++counters_.refused_full;
    log_warning("[{}] refused: {} connections from there already", from.to_string(), most);
    return false;
  }
  if (options_.max_clients > 0 && connected_ >= options_.max_clients && !make_place(from.ip)) {
    ++counters_.refused_full;
    log_warning("[{}] SIP client rejected because the server has reached max_clients={}",
                from.to_string(), options_.max_clients);
    return false;
  }
  return true;
}

void terminal_server::count(const ip_address& from, int change) {
  if (change > 0) {
    by_address_.add(from);
    ++connected_;
    return;
  }
  --connected_;
  by_address_.remove(from);
}

void terminal_server::forget(link_key key) {
  links_.erase(key);
  if (draining_) finish_drain();
}

void terminal_server::set_rules(std::shared_ptr<const terminal_rules> rules) {
  rules_ = std::move(rules);
  links_.for_each([this](link_key, auto& link) { link->use_rules(rules_); });
}

void terminal_server::drain(duration limit, std::function<void()> done) {
  if (draining_) return;
  close_all_but({});
  listeners_.clear();
  draining_ = std::make_unique<drain_state>(*this, std::move(done));
  loop_.timers().arm(*draining_, loop_.now() + limit);
  std::vector<link_key> all;
  links_.for_each([&](link_key key, auto&) { all.push_back(key); });
  for (const auto key : all)
    if (auto* link = links_.find(key)) (*link)->drain();
  finish_drain();
}

void terminal_server::finish_drain() {
  if (links_.size() > 0 || !draining_->done) return;
  draining_->cancel();
  loop_.post(std::exchange(draining_->done, nullptr));
}

terminal_link* terminal_server::find(std::string_view id) const {
  terminal_link* found = nullptr;
  links_.for_each([&](link_key, auto& link) {
    if (link->id() == id) found = link.get();
  });
  return found;
}

std::vector<terminal_info> terminal_server::list() const {
  std::vector<terminal_info> all;
  links_.for_each([&](link_key, auto& link) { all.push_back(link->info(loop_.now())); });
  return all;
}

bool terminal_server::kick(std::string_view id) {
  auto* link = find(id);
  if (link) link->kick("by the operator");
  return link != nullptr;
}

std::optional<trace_lines> terminal_server::trace(std::string_view id, std::uint64_t from) {
  auto* link = find(id);
  if (!link) return std::nullopt;
  return link->trace(from);
}

bool terminal_server::stop_trace(std::string_view id) {
  auto* link = find(id);
  if (link) link->stop_trace();
  return link != nullptr;
}

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/mediator.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/split.hpp>
#include <tandem/control/health.hpp>
#include <tandem/control/json_rpc.hpp>
#include <tandem/io/descriptor_limit.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <string_view>

namespace tandem::sip2 {
namespace {

/// A log line for each line of a text.
void log_faults(std::string_view text) {
  for (const std::string_view line : split(text, '\n'))
    if (!line.empty()) log_error("{}", line);
}

/// Leaves descriptors for the back-end and the HTTP port, however many terminals come.
void fit_to_descriptors(mediator_config& config) {
  constexpr std::size_t others = 64; // log, listeners, HTTP port, files that are read
  const bool has_balancer =
      std::ranges::any_of(config.listeners, &listener_options::has_proxy_header);
  const std::size_t limit = io::raise_descriptor_limit();
  if (limit == std::numeric_limits<std::size_t>::max()) return;
  // Each back-end has one more connection for its probes.
  const auto kept = others + (has_balancer ? terminal_server::most_unnamed : 0) +
                    config.backend.urls.size() * (config.backend.most_connections + std::size_t{1});
  const bool has_own_upstream = std::ranges::any_of(config.backend.urls, &library_url::is_sip2) &&
                                config.backend.upstream->sessions == upstream_sessions::own;
  const std::size_t each = has_own_upstream ? 2 : 1; // a terminal, and its connection upstream
  const auto room = limit > kept + each ? (limit - kept) / each : std::size_t{1};
  auto& most = config.server.max_clients;
  if (most > room)
    log_warning("max-clients is {}, but {} open files have room for {} terminals; raise the limit "
                "of open files (LimitNOFILE= of a systemd unit, or ulimit -n)",
                most, limit, room);
  if (most == 0 || most > room) most = room;
}

} // namespace

mediator::mediator(io::shard& loop, load_function load, std::string config_file,
                   std::function<void()> on_finished)
    : loop_{loop}, load_{std::move(load)}, config_file_{std::move(config_file)},
      on_finished_{std::move(on_finished)} {}

mediator::~mediator() = default;

std::string mediator::start(mediator_config config) {
  config_ = std::move(config);
  set_log_level(config_.level);
  fit_to_descriptors(config_);

  resolver_ = std::make_unique<names::resolver>(loop_);
  config_.backend.names = resolver_.get();
  auto pool = backend_pool::make(loop_, config_.backend, &metrics_);
  if (!pool) return pool.error();
  library_ = std::move(*pool);
  terminals_ = std::make_unique<terminal_server>(loop_, *library_, config_.server, config_.rules);
  if (auto fault = terminals_->set_listeners(config_.listeners); !fault.empty()) return fault;
  count();
  add_commands();
  if (auto fault = open_http(); !fault.empty()) return fault;
  files_ = std::make_unique<io::file_watch>(loop_, [this] {
    log_notice("a file of the configuration has changed");
    reload();
  });
  watch_files();
  log_notice("Ready for clients...");
  return {};
}

std::string mediator::open_http() {
  if (!config_.http.address) return {};
  http::server_options options;
  options.token = config_.http.token;
  if (config_.http.has_tls) {
    auto tls = io::tls_context::server(config_.http.tls);
    if (!tls) return "HTTP port: " + tls.error();
    options.tls = *tls;
  }
  http_ = std::make_unique<http::server>(loop_, std::move(options));
  control::serve_health(*http_,
                        {.counted = metrics_, .why_not_ready = [this] { return why_not_ready(); }});
  tokens_.add(control::role::admin, config_.http.token);
  control::serve_json_rpc(*http_, commands_, tokens_);
  door_ = std::make_unique<door>(loop_, *library_, terminals_->shared_counters(), config_.rules,
                                 config_.http.door_profile, state_of_door());
  door_->serve(*http_, config_.http.door_path);
  const auto at = http_->listen(*config_.http.address);
  if (!at) return "HTTP port: " + at.error();
  http_at_ = *at;
  log_notice("HTTP port at {}", at->to_string());
  if (!config_.http.has_tls && !config_.http.token.empty() && !at->ip.is_loopback())
    log_warning("the HTTP port takes its token in the clear from other machines; give [http] a "
                "certificate-file, or listen at 127.0.0.1");
  return {};
}

void mediator::watch_files() {
  auto files = files_of(config_);
  if (!config_file_.empty()) files.push_back(config_file_);
  files_->watch(files);
}

door_state mediator::state_of_door() const {
  return config_.http.has_door ? door_state::open : door_state::closed;
}

std::string mediator::why_not_ready() const {
  if (terminals_->is_draining()) return "draining";
  if (!terminals_->is_listening()) return "no listener";
  return library_->is_available() ? std::string{} : "no back-end answers";
}

std::string mediator::reload() {
  if (terminals_->is_draining()) return "draining; nothing is read any more";
  auto next = load_();
  std::string fault;
  if (!next) {
    fault = next.error();
  } else {
    next->backend.names = resolver_.get();
    if (const auto taken = library_->reload(next->backend); !taken) fault = taken.error();
  }
  if (!fault.empty()) {
    ++failed_reloads_;
    log_error("the configuration was not taken over; what was in force stays. Faults:");
    log_faults(fault);
    return fault;
  }
  ++reloads_;
  for (const auto key : keep_fixed(*next, config_))
    log_warning("{} has changed; it is fixed at start-up and needs a restart", key);
  config_ = std::move(*next);
  set_log_level(config_.level);
  fit_to_descriptors(config_);
  terminals_->set_options(config_.server);
  terminals_->set_rules(config_.rules);
  fault = terminals_->set_listeners(config_.listeners);
  if (http_) {
    http_->use_token(config_.http.token);
    tokens_ = {};
    tokens_.add(control::role::admin, config_.http.token);
    if (config_.http.has_tls) {
      if (auto tls = io::tls_context::server(config_.http.tls))
        http_->use_tls(*tls);
      else
        fault += "HTTP port: " + tls.error();
    }
    door_->use(config_.rules, config_.http.door_profile, state_of_door());
  }
  watch_files();
  log_notice("the configuration was read again; terminals connected: {}", terminals_->connected());
  log_faults(fault);
  return fault;
}

void mediator::drain(duration limit) {
  if (terminals_->is_draining()) return;
  log_notice("Shutdown requested...");
  left_to_drain_ = door_ ? 2 : 1;
  terminals_->drain(limit, [this] {
    log_notice("all terminals are finished");
    one_is_drained();
  });
  if (door_) door_->drain(limit, [this] { one_is_drained(); });
}

void mediator::one_is_drained() {
  if (--left_to_drain_ == 0) on_finished_();
}

} // namespace tandem::sip2

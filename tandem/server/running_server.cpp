// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/running_server.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/descriptor_limit.hpp>
#include <tandem/io/signals.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/server/databases.hpp>
#include <tandem/server/dns_settings.hpp>
#include <tandem/server/listen_settings.hpp>
#include <tandem/server/locate_command.hpp>
#include <tandem/server/server_commands.hpp>
#include <tandem/server/tls_settings.hpp>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fmt/format.h>
#include <thread>
#include <utility>

namespace tandem::server {

namespace {

/// How long a reload waits for the slowest shard before it is told as done.
constexpr duration take_over_limit = seconds{5};

/// How long a database may take for what it still has to do at the end.
constexpr duration database_limit = seconds{5};

/// How long who looks at the metrics waits for the slowest shard.
constexpr duration refresh_limit = seconds{1};

/// One shard a core, but on a machine of two cores or less a single one does best: a hand-over
/// between shards costs more than it brings. `children` bounds it.
unsigned shard_count(const options& wanted, const core_settings& set) {
  if (wanted.shards) return std::clamp(*wanted.shards, 1U, 64U);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return cores <= 2 ? 1 : std::min(cores, std::clamp(set.children, 1U, 64U));
}

/// Leaves descriptors for all that is no connection, however many come.
transport::transport_options fit_to_descriptors(transport::transport_options net,
                                                std::size_t shards) {
  const std::size_t limit = io::raise_descriptor_limit();
  // Of a shard: its sockets, questions to name servers, pipes of programs; of the process: the log,
  // files, the HTTP port.
  const std::size_t others = std::min(limit / 4, 128 + 96 * shards);
  const std::size_t room = std::max<std::size_t>((limit - others) / shards, 2);
  if (net.connections <= room) return net;
  log_notice("{} open files have room for {} connections, not {}, in each shard (LimitNOFILE= of a "
             "systemd unit, or ulimit -n)",
             limit, room, net.connections);
  net.connections = room;
  return net;
}

} // namespace

log_level level_for(const options& wanted, const core_settings& set) noexcept {
  return log_level_of(set.debug + wanted.verbose);
}

running_server::running_server(const options& wanted, const script_loader& loader,
                               const std::shared_ptr<const script::program>& program,
                               const path_in_root& paths, const account& becomes,
                               process::spawner& spawner, services& shared)
    : wanted_{wanted}, spawner_{spawner}, shared_{shared}, shards_{shard_count(
                                                               wanted,
                                                               core_settings::of(*program))},
      gather_{shards_.all()}, commands_{&gather_} {
  points_ = listen_points(wanted, *program,
                          [&](const std::string& name) { return addresses_of(name, *program); });
  if (need_tls(points_)) {
    tls_ = read_tls(*program, [](const std::string& path) { return path; });
    certificates_.emplace(shards_[0], paths,
                          [this](const transport::tls_contexts& next) { renew_tls(next); });
  }
  net_.emplace(shards_, points_,
               fit_to_descriptors(core_settings::of(*program).net, shards_.size()), tls_);
  collect_own_names(shared_.names, net_->listeners(), points_, *program);
  reloader_.emplace(
      shards_[0],
      reload_surroundings{loader, shared_, program, paths, paths.inside(wanted.script),
                          net_->listeners(), points_},
      [this](std::shared_ptr<const loaded_script> next, files_of_script files,
             std::function<void()> then) {
        if (http_ && files.tokens) http_->use(std::move(*files.tokens));
        if (files.tls) {
          renew_tls(*files.tls);
          certificates_->follow(next->program(), std::move(*files.tls));
        }
        take_over(std::move(next), std::move(then));
      },
      [this](const std::shared_ptr<const host_addresses>& found) {
        for (std::uint16_t i = 0; i < shards_.size(); ++i)
          shards_[i].post([this, i, found] { parts_[i]->core().set_hosts(found); });
      });
  reloader_->prepare();
  script_ = loader.load(program, shared_);
  if (wanted.trace_file) trace_.emplace(*wanted.trace_file);
  observe::add_process_metrics(shared_.metrics);
  shared_.metrics.add("tandem_command_faults_total", "Commands that failed by a fault of theirs.",
                      {}, commands_.faults());
  shared_.metrics.add_gauge("tandem_ready", "1 when new requests are taken.", {},
                            [this] { return why_not_ready().empty() ? 1.0 : 0.0; });
  if (certificates_)
    shared_.metrics.add_gauge("tandem_tls_certificate_days",
                              "Days until the first of our certificates expires.", {},
                              [this] { return certificates_->days_left().value_or(0); });
  for (std::uint16_t i = 0; i < shards_.size(); ++i)
    parts_.push_back(std::make_unique<shard_server>(shards_[i], (*net_)[i], shared_, spawner_,
                                                    script_, trace_ ? &*trace_ : nullptr));
  add_server_commands(commands_, *this);
  add_locate_command(commands_, *parts_[0]);
  const module_surroundings for_modules{
      .shared = shared_, .loop = shards_[0], .core_of = [this](io::shard& at) -> core& {
        return parts_[at.index()]->core();
      }};
  loader.add_module_commands(commands_, for_modules);
  work_ = loader.start_modules(for_modules);
  open_http();
  socket_ = open_control_socket(shards_[0], commands_, *program, becomes, paths);
  if (const auto fifo = fifo_settings::of(*program, becomes, paths))
    fifo_.emplace(shards_[0], commands_, *fifo, shared_.metrics);
}

running_server::~running_server() {
  work_.clear();                                   // may have something to write
  shared_.state<databases>().stop(database_limit); // while the shards are there to hear of it
}

void running_server::run(const std::function<void()>& on_ready) {
  io::signal_watch signals{
      shards_[0], {SIGTERM, SIGINT, SIGHUP, SIGUSR1}, [this](int number) { on_signal(number); }};
  shared_.state<databases>().start();
  for (const auto& each : work_) each->begin();
  shards_.start();
  if (fifo_) fifo_->start();
  if (certificates_) certificates_->follow(script_->program(), std::exchange(tls_, {}));
  const transport::listener_table& listeners = net_->listeners();
  for (std::uint32_t i = 0; i < listeners.size(); ++i)
    log_notice("listening on {} {}", name_of(listeners[i].transport),
               listeners[i].address.to_string());
  warn_of_strangers();
  log_notice("ready: {} shard{}, script {}", shards_.size(), shards_.size() == 1 ? "" : "s",
             script_->program()->text().name());
  on_ready();
  shards_.run();
  fifo_.reset(); // while what its commands look at is there
  log_notice("stopped");
}

/// The addresses of a host name that the server listens on. Before the shards run.
std::vector<ip_address> running_server::addresses_of(const std::string& name,
                                                     const script::program& program) {
  names::resolver names{shards_[0], resolver_options_of(program)};
  std::optional<names::resolver::answer> found;
  names.resolve(name, names::address_family::any,
                [&](const names::resolver::answer& all) { found = all; });
  shards_[0].run_until([&] { return found.has_value(); });
  if (found && *found) return **found;
  return {};
}

void running_server::open_http() {
  const auto at = http_address(*script_->program());
  if (!at) return;
  const std::string& tokens = script_->settings().http_tokens;
  http_.emplace(
      shards_[0], *at, commands_, tokens.empty() ? control::access_tokens{} : read_tokens(tokens),
      control::health_source{
          .counted = shared_.metrics,
          .why_not_ready = [this] { return why_not_ready(); },
          .refresh = [this](std::function<void()> then) { refresh_metrics(std::move(then)); },
          .remark = [this] { return certificate_remark(); }});
}

/// A script need not ask for passwords, and then whoever reaches the server may register and call.
void running_server::warn_of_strangers() const {
  const transport::listener_table& listeners = net_->listeners();
  for (std::uint32_t i = 0; i < listeners.size(); ++i)
    if (!listeners[i].address.ip.is_loopback())
      log_warning("{} can be reached by others: unless the script asks for passwords, let a "
                  "firewall decide who comes",
                  listeners[i].address.to_string());
}

std::string running_server::why_not_ready() const { return is_stopping_ ? "draining" : ""; }

std::string running_server::certificate_remark() const {
  const auto days = certificates_ ? certificates_->days_left() : std::nullopt;
  if (!days) return {};
  return *days < 0 ? "the certificate has expired"
                   : fmt::format("the certificate expires in {:.0f} days", std::floor(*days));
}

void running_server::on_signal(int number) {
  switch (number) {
  case SIGHUP: return reloader_->reload([](const reload_result&) {});
  case SIGUSR1: return write_statistics();
  default: return stop(number);
  }
}

void running_server::stop(int number) {
  if (is_stopping_) {
    log_notice("second signal: stopping at once");
    return shards_.stop();
  }
  (void)drain(fmt::format("signal {}", number), usual_drain);
}

bool running_server::drain(std::string_view why, duration limit) {
  if (std::exchange(is_stopping_, true)) return false;
  log_notice("stopping ({}): refusing new requests, waiting up to {} s for those in progress", why,
             limit / seconds{1});
  still_draining_ = shards_.size();
  for (std::uint16_t i = 0; i < shards_.size(); ++i)
    shards_[i].post([this, i, limit] {
      parts_[i]->drain(limit, [this] {
        if (--still_draining_ == 0) shards_.stop();
      });
    });
  return true;
}

void running_server::take_over(std::shared_ptr<const loaded_script> next,
                               std::function<void()> then) {
  script_ = std::move(next);
  set_log_level(level_for(wanted_, script_->settings()));
  gather_.ask<bool>(
      [this, script = script_](io::shard& shard) {
        at(shard).load(script);
        return true;
      },
      take_over_limit,
      [then = std::move(then)](const std::vector<std::optional<bool>>&) { then(); });
}

void running_server::renew_tls(const transport::tls_contexts& next) {
  for (std::uint16_t i = 0; i < shards_.size(); ++i)
    shards_[i].post([this, i, next] { (*net_)[i].renew_tls(next); });
}

void running_server::refresh_metrics(std::function<void()> then) {
  gather_.ask<bool>(
      [this](io::shard& shard) {
        at(shard).publish();
        return true;
      },
      refresh_limit, [then = std::move(then)](const std::vector<std::optional<bool>>&) { then(); });
}

void running_server::write_statistics() {
  refresh_metrics([this] {
    statistics_.write(script_->settings().statistics, statistics_text(shared_.metrics));
  });
}

} // namespace tandem::server

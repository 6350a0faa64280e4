// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/server.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/io/service.hpp>
#include <tandem/io/shard_group.hpp>
#include <tandem/io/signals.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/process/spawner.hpp>
#include <tandem/server/listen_settings.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/shard_server.hpp>
#include <tandem/server/statistics.hpp>
#include <tandem/transport/transport.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>
#include <vector>

namespace tandem::server {

namespace {

using script::core_parameter;

/// Requests in progress get so long to end when the server is told to stop.
constexpr duration drain_limit = seconds{10};

/// What the command line says, else what the script says, else nothing.
std::optional<std::string> choose(const std::optional<std::string>& wanted,
                                  const script::settings& set, core_parameter id) {
  if (wanted) return wanted;
  if (const auto text = set.text(id); !text.empty()) return std::string{text};
  return std::nullopt;
}

log_level level_for(const options& wanted, const script::settings& set) {
  const auto level =
      std::clamp<std::int64_t>(set.number(core_parameter::debug) + wanted.verbose, -3, 4);
  // There is no level 0: it means what SER made of it, errors only.
  return static_cast<log_level>(level == 0 ? -1 : level);
}

void open_log_for(const options& wanted, const script::settings& set, bool is_daemon) {
  open_log({.to_stderr = wanted.log_to_stderr.value_or(!is_daemon ||
                                                       set.is_on(core_parameter::log_stderror)),
            .level = level_for(wanted, set),
            .name = "tandemd",
            .facility = set.text(core_parameter::log_facility)});
}

/// One shard a core, but on a machine of two cores or less a single one does best: a hand-over
/// between shards costs more than it brings. `children` bounds it.
unsigned shard_count(const options& wanted, const script::settings& set) {
  if (wanted.shards) return std::clamp(*wanted.shards, 1U, 64U);
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const auto bound =
      static_cast<unsigned>(std::clamp<std::int64_t>(set.number(core_parameter::children), 1, 64));
  return cores <= 2 ? 1 : std::min(cores, bound);
}

/// Who the server becomes. Root only serves where somebody has asked for it (-u root).
identity identity_for(const options& wanted, const script::settings& set) {
  identity who{.user = choose(wanted.user, set, core_parameter::user),
               .group = choose(wanted.group, set, core_parameter::group),
               .root = choose(wanted.root, set, core_parameter::chroot),
               .work_folder = choose(wanted.work_folder, set, core_parameter::workdir)};
  if (!who.user) who.user = default_user();
  return who;
}

/// Where the script is found once the server has another folder and another root. Nothing when it
/// lies outside of that root.
std::optional<std::string> script_in_root(const std::string& script, const identity& who) {
  const auto whole = std::filesystem::weakly_canonical(script);
  if (!who.root) return whole.string();
  const auto inside = whole.lexically_relative(std::filesystem::weakly_canonical(*who.root));
  if (inside.empty() || *inside.begin() == "..") return std::nullopt;
  return (std::filesystem::path{"/"} / inside).string();
}

/// What of the new script has no effect before the next start: "port, children".
std::string fixed_at_start(const script::program& running, const script::program& next) {
  std::string names;
  const auto add = [&](std::string_view name) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  };
  for (const script::core_parameter_info& p : script::core_parameters())
    if (p.state == script::core_state::at_start &&
        running.parameters().differs_from(next.parameters(), p.id))
      add(p.name);
  for (const script::module_info* module : next.modules())
    for (const script::parameter_info& p : module->parameters)
      if (p.is_read_at_start && running.module_parameters().text(*module, p.name) !=
                                    next.module_parameters().text(*module, p.name))
        add(fmt::format("{} of {}", p.name, module->name));
  return names;
}

class running_server {
 public:
  running_server(const options& wanted, const script_loader& loader,
                 const std::shared_ptr<const script::program>& program,
                 std::optional<std::string> script_path, process::spawner& spawner,
                 services& shared)
      : wanted_{wanted}, loader_{loader}, spawner_{spawner}, shared_{shared}, started_{program},
        script_path_{std::move(script_path)}, shards_{shard_count(wanted, program->parameters())} {
    const script::settings& set = program->parameters();
    const auto points = listen_points(
        wanted, *program, [this](const std::string& name) { return addresses_of(name); });
    net_.emplace(shards_, points, transport_settings(set));
    points_ = points;
    collect_own_names(shared_.names, net_->listeners(), points, *program);
    resolver_.emplace(shards_[0]);
    bool is_known = false;
    look_up_condition_hosts(*program, [&](services::hosts found) {
      shared_.condition_hosts = std::move(found);
      is_known = true;
    });
    shards_[0].run_until([&] { return is_known; });
    script_ = loader_.load(program, shared_);
    if (wanted.trace_file) trace_.emplace(*wanted.trace_file);
    for (std::uint16_t i = 0; i < shards_.size(); ++i)
      parts_.push_back(std::make_unique<shard_server>(shards_[i], (*net_)[i], shared_, spawner_,
                                                      script_, trace_ ? &*trace_ : nullptr));
  }

  void run(const std::function<void()>& on_ready) {
    io::signal_watch signals{
        shards_[0], {SIGTERM, SIGINT, SIGHUP, SIGUSR1}, [this](int number) { on_signal(number); }};
    expiry_.start();
    shards_.start();
    const transport::listener_table& listeners = net_->listeners();
    for (std::uint32_t i = 0; i < listeners.size(); ++i)
      log_notice("listening on {} {}", to_lower_copy(via_token(listeners[i].transport)),
                 listeners[i].address.to_string());
    warn_of_strangers();
    log_notice("ready: {} shard{}, script {}", shards_.size(), shards_.size() == 1 ? "" : "s",
               script_->program()->text().name());
    on_ready();
    shards_.run();
    if (reload_.joinable()) reload_.join();
    log_notice("stopped");
  }

 private:
  /// Drops expired contacts, on shard 0.
  struct expiry_timer final : timer {
    explicit expiry_timer(running_server& of) noexcept : owner{of} {}
    void start() { owner.shards_[0].timers().arm(*this, now() + seconds{1}); }
    void on_timer(instant at) override {
      owner.shared_.for_each_location([&](storage::location_table& table) { table.expire(at); });
      owner.shards_[0].timers().arm(*this, at + seconds{1});
    }
    running_server& owner;
  };

  /// The addresses of a host name that the server listens on. Before the shards run.
  std::vector<ip_address> addresses_of(const std::string& name) {
    names::resolver names{shards_[0]};
    std::optional<names::resolver::answer> found;
    names.resolve(name, names::address_family::any,
                  [&](const names::resolver::answer& all) { found = all; });
    shards_[0].run_until([&] { return found.has_value(); });
    if (found && *found) return **found;
    return {};
  }

  /// There is no authentication yet, so that whoever reaches the server may register and call.
  void warn_of_strangers() const {
    const transport::listener_table& listeners = net_->listeners();
    for (std::uint32_t i = 0; i < listeners.size(); ++i)
      if (!listeners[i].address.ip.is_loopback())
        log_warning("{} can be reached by others, and nobody is asked for a password: let a "
                    "firewall decide who comes",
                    listeners[i].address.to_string());
  }

  /// The names that conditions compare addresses with: asked for before the script runs, since no
  /// comparison waits. On shard 0.
  void look_up_condition_hosts(const script::program& program,
                               std::function<void(services::hosts)> done) {
    struct round {
      services::hosts found;
      std::size_t pending;
      std::function<void(services::hosts)> done;
    };
    if (program.host_names().empty()) return done({});
    const auto all =
        std::make_shared<round>(round{{}, program.host_names().size(), std::move(done)});
    for (const std::string& name : program.host_names())
      resolver_->resolve(name, names::address_family::any,
                         [all, name](const names::resolver::answer& found) {
                           if (found)
                             all->found[name] = *found;
                           else
                             log_warning("the script compares addresses with '{}', which has none "
                                         "({}): the comparison is always false",
                                         name, to_string(found.error()));
                           if (--all->pending == 0) all->done(std::move(all->found));
                         });
  }

  void on_signal(int number) {
    switch (number) {
    case SIGHUP: return reload();
    case SIGUSR1: return write_statistics();
    default: return stop(number);
    }
  }

  void stop(int number) {
    if (is_stopping_) {
      log_notice("second signal: stopping at once");
      return shards_.stop();
    }
    is_stopping_ = true;
    log_notice(
        "stopping (signal {}): refusing new requests, waiting up to {} s for those in progress",
        number, drain_limit / seconds{1});
    still_draining_ = shards_.size();
    for (std::uint16_t i = 0; i < shards_.size(); ++i)
      shards_[i].post([this, i] {
        parts_[i]->drain(drain_limit, [this] {
          if (--still_draining_ == 0) shards_.stop();
        });
      });
  }

  /// Checks the script on a thread of its own, since a shard must not wait for a disk; then shard 0
  /// looks up the names in its conditions and loads it.
  void reload() {
    if (is_reloading_.exchange(true)) return log_notice("a reload is going on already");
    if (!script_path_) return refuse_reload("the script lies outside of the server's root");
    if (reload_.joinable()) reload_.join();
    reload_ = std::thread{[this] {
      std::string complaint;
      std::shared_ptr<const script::program> next;
      try {
        const auto checked = loader_.check_settled(*script_path_);
        complaint = checked.found.to_string();
        next = checked.made;
      } catch (const start_error& error) {
        complaint = error.what();
      }
      shards_[0].post([this, next, complaint] {
        if (!next) return refuse_reload(complaint);
        if (!complaint.empty()) log_warning("reload: {}", complaint);
        look_up_condition_hosts(
            *next, [this, next](services::hosts found) { finish_reload(next, std::move(found)); });
      });
    }};
  }

  void refuse_reload(std::string_view complaint) {
    is_reloading_ = false;
    log_error("reload refused, the old script stays: {}", complaint);
  }

  void finish_reload(const std::shared_ptr<const script::program>& program, services::hosts found) {
    std::shared_ptr<const loaded_script> next;
    try {
      own_names names;
      collect_own_names(names, net_->listeners(), points_, *program);
      shared_.names = std::move(names);
      shared_.condition_hosts = std::move(found);
      next = loader_.load(program, shared_);
    } catch (const start_error& error) {
      return refuse_reload(error.what());
    }
    is_reloading_ = false;
    script_ = next;
    set_log_level(level_for(wanted_, program->parameters()));
    for (std::uint16_t i = 0; i < shards_.size(); ++i)
      shards_[i].post([this, i, next] { parts_[i]->load(next); });
    if (const std::string fixed = fixed_at_start(*started_, *program); !fixed.empty())
      log_warning(
          "reload: {} in the script {} not what the server was started with; a change needs "
          "a restart",
          fixed, fixed.find(',') == fixed.npos ? "is" : "are");
    log_notice("reloaded {}; requests in progress end under the old script", *script_path_);
  }

  void write_statistics() {
    // Each shard adds its own numbers on its own thread; the last one writes.
    auto sum = std::make_shared<statistics_sum>(shards_.size());
    const std::string path{script_->parameters().text(core_parameter::statistics)};
    for (std::uint16_t i = 0; i < shards_.size(); ++i)
      shards_[i].post([this, i, sum, path] {
        if (sum->add(*parts_[i])) statistics_.write(path, sum->to_text(shared_));
      });
  }

  const options& wanted_;
  const script_loader& loader_;
  process::spawner& spawner_;
  services& shared_;
  std::shared_ptr<const script::program> started_; ///< the script of the start
  std::optional<std::string> script_path_;         ///< as the server sees it in its root
  io::shard_group shards_;
  std::vector<transport::listen_point> points_;
  std::optional<transport::transport> net_;
  std::optional<trace_file> trace_;
  statistics_output statistics_;
  std::shared_ptr<const loaded_script> script_;
  std::vector<std::unique_ptr<shard_server>> parts_;
  std::optional<names::resolver> resolver_; ///< of names in conditions, on shard 0
  expiry_timer expiry_{*this};
  bool is_stopping_ = false;
  std::atomic<unsigned> still_draining_ = 0;
  std::atomic<bool> is_reloading_ = false;
  std::thread reload_;
};

/// Programs that a script runs are what the server becomes, never more.
process::spawner_options children_of(const identity& who) {
  process::spawner_options made;
  const auto [uid, gid] = find_account(who);
  if (uid || gid)
    made.user = {.uid = uid.value_or(::getuid()), .gid = gid.value_or(::getgid()), .groups = {}};
  made.root = who.root.value_or("");
  made.work_folder = who.work_folder.value_or("");
  return made;
}

} // namespace

script::diagnostics check(const options& wanted, std::span<const module_entry> modules) {
  const script_loader loader{modules};
  auto checked = loader.check(wanted.script);
  if (!checked.made) return std::move(checked.found);
  services shared;
  process::spawner_options children = children_of(identity_for(wanted, checked.made->parameters()));
  loader.prepare_children(*checked.made, shared, children);
  // Whether a host name has an address is for the start to find out: a check asks no DNS.
  const auto points = listen_points(wanted, *checked.made, [](const std::string&) {
    return std::vector{ip_address::v4(127, 0, 0, 1)};
  });
  collect_own_names(shared.names, transport::listener_table{points}, points, *checked.made);
  (void)loader.load(checked.made, shared);
  return std::move(checked.found);
}

int serve(const options& wanted, std::span<const module_entry> modules) {
  const script_loader loader{modules};
  const auto checked = loader.check(wanted.script);
  if (const std::string text = checked.found.to_string(); !text.empty()) std::cerr << text;
  if (!checked.made) throw start_error{fmt::format("the script '{}' has errors", wanted.script)};
  const script::settings& set = checked.made->parameters();

  // Services and containers want a program that stays; `fork=yes` in the script, or --daemonize,
  // asks for one that goes into the background.
  const bool is_daemon = wanted.daemonize.value_or(set.is_set(core_parameter::fork) &&
                                                   set.is_on(core_parameter::fork));
  std::optional<io::background> daemon;
  if (is_daemon) daemon.emplace();
  open_log_for(wanted, set, is_daemon);

  const identity who = identity_for(wanted, set);
  services shared;
  process::spawner_options children = children_of(who);
  loader.prepare_children(*checked.made, shared, children);
  process::spawner spawner{std::move(children)}; // before any thread
  const log_thread writer;
  running_server server{wanted,  loader, checked.made, script_in_root(wanted.script, who),
                        spawner, shared};
  std::optional<io::pid_file> pid;
  if (wanted.pid_file) pid.emplace(*wanted.pid_file);
  assume(who);
  server.run([&] {
    if (daemon) daemon->ready();
  });
  return 0;
}

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/reloader.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/server/dns_settings.hpp>
#include <tandem/server/http_door.hpp>
#include <tandem/server/listen_settings.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/tls_settings.hpp>

#include <exception>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace tandem::server {

namespace {

/// What of the new script has no effect before the next start.
std::vector<std::string> fixed_at_start(const script::program& running,
                                        const script::program& next) {
  std::vector<std::string> names;
  const auto add = [&](const script::module_info& of, std::string_view suffix) {
    for (const script::parameter_info& p : of.parameters)
      if (p.when == script::read_when::start &&
          running.parameters().differs_from(next.parameters(), of, p))
        names.push_back(p.name + std::string{suffix});
  };
  add(next.core(), "");
  for (const script::module_info* module : next.modules()) add(*module, " of " + module->name);
  return names;
}

} // namespace

/// One script on its way.
struct reloader::reading {
  bool is_for_use;
  result_handler done;
  reload_result result = {};
  std::shared_ptr<const script::program> program = nullptr;
  files_of_script files = {};

  void refuse(const char* why) {
    result.is_good = false;
    result.complaints += why;
    tell();
  }
  /// Once; the next one may begin then.
  void tell() {
    const result_handler handler = std::exchange(done, nullptr);
    if (!handler) return;
    by.reset();
    handler(result);
  }
  std::weak_ptr<reading>& by; ///< the reloader's
};

namespace {

/// What the next script will know stands in the services, and goes back when there is no next one.
class trial {
 public:
  explicit trial(services& shared)
      : shared_{shared}, names_{shared.names}, hosts_{shared.condition_hosts} {}
  trial(const trial&) = delete;
  trial& operator=(const trial&) = delete;
  ~trial() {
    if (is_kept_) return;
    std::swap(shared_.names, names_);
    std::swap(shared_.condition_hosts, hosts_);
  }
  void keep() noexcept { is_kept_ = true; }

 private:
  services& shared_;
  own_names names_;
  host_addresses hosts_;
  bool is_kept_ = false;
};

} // namespace

reloader::reloader(io::shard& loop, reload_surroundings on, take_over_handler take_over,
                   host_watch::change_handler on_hosts)
    : loop_{loop}, on_{std::move(on)},
      take_over_{std::move(take_over)}, resolver_{loop, resolver_options_of(*on_.started)},
      hosts_{loop, resolver_, std::move(on_hosts)}, disk_{loop} {}

void reloader::prepare() {
  bool is_known = false;
  hosts_.look_up(on_.started->host_names(), [&](host_addresses found) {
    on_.shared.condition_hosts = found;
    hosts_.watch(std::move(found));
    is_known = true;
  });
  loop_.run_until([&] { return is_known; });
}

void reloader::reload(result_handler done) {
  const auto told = [done = std::move(done)](const reload_result& r) {
    if (!r.is_good) log_error("reload refused, the old script stays: {}", r.complaints);
    done(r);
  };
  read(std::make_shared<reading>(reading{.is_for_use = true, .done = told, .by = current_}));
}

void reloader::check(result_handler done) {
  read(std::make_shared<reading>(
      reading{.is_for_use = false, .done = std::move(done), .by = current_}));
}

void reloader::read(const std::shared_ptr<reading>& of) {
  if (!current_.expired()) {
    of->result.complaints = "another reload or check is going on";
    return of->done(of->result);
  }
  current_ = of;
  if (!on_.path) return of->refuse("the script lies outside of the server's root");
  // The thread has no share in it: it is told, and dies, on the shard.
  const bool is_started =
      disk_.run([this, raw = of.get()] { read_files(*raw); },
                [this, of] {
                  if (!of->program) return of->tell();
                  hosts_.look_up(of->program->host_names(), [this, of](host_addresses found) {
                    finish(of, std::move(found));
                  });
                });
  if (!is_started) of->refuse("the system has no thread to read the script with");
}

/// On the thread.
void reloader::read_files(reading& of) const noexcept {
  try {
    auto checked = on_.loader.check_settled(*on_.path);
    of.result.complaints = checked.found.to_string();
    of.program = std::move(checked.made);
  } catch (const std::exception& error) {
    of.result.complaints = error.what();
  }
  if (!of.program) return;
  try {
    const std::string& path = core_settings::of(*of.program).http_tokens;
    of.files.tokens = path.empty() ? control::access_tokens{} : read_tokens(on_.paths.find(path));
  } catch (const std::exception& error) {
    of.result.complaints += fmt::format("{}; the tokens stay what they were\n", error.what());
  }
  if (!need_tls(on_.points)) return;
  try {
    of.files.tls = read_tls(*of.program, [this](const auto& path) { return on_.paths.find(path); });
  } catch (const std::exception& error) {
    of.result.complaints += fmt::format("{}; the certificates stay what they were\n", error.what());
  }
}

void reloader::finish(const std::shared_ptr<reading>& shared, host_addresses found) {
  reading& of = *shared;
  trial tried{on_.shared};
  std::shared_ptr<const loaded_script> next;
  try {
    own_names names;
    collect_own_names(names, on_.listeners, on_.points, *of.program);
    on_.shared.names = std::move(names);
    on_.shared.condition_hosts = found;
    next = on_.loader.load(of.program, on_.shared);
    of.result.needs_restart = fixed_at_start(*on_.started, *of.program);
    of.result.is_good = true;
  } catch (const std::exception& error) {
    return of.refuse(error.what());
  }
  if (!of.is_for_use) return of.tell();
  hosts_.watch(std::move(found));
  take_over_(std::move(next), std::move(of.files), [shared] { shared->tell(); });
  tried.keep();
  if (!of.result.complaints.empty()) log_warning("reload: {}", of.result.complaints);
  if (const auto& fixed = of.result.needs_restart; !fixed.empty())
    log_warning("reload: {} in the script {} not what the server was started with; a change needs "
                "a restart",
                fmt::join(fixed, ", "), fixed.size() == 1 ? "is" : "are");
  log_notice("reloaded {}; requests in progress end under the old script", *on_.path);
}

} // namespace tandem::server

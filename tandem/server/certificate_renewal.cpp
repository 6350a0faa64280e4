// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/certificate_renewal.hpp>

#include <tandem/base/log.hpp>
#include <tandem/server/tls_settings.hpp>

#include <cmath>
#include <exception>
#include <utility>

namespace tandem::server {

namespace {

/// Below that many days the log says how many are left.
constexpr double few_days = 14;

} // namespace

/// One look at the files.
struct certificate_renewal::reading {
  std::shared_ptr<const script::program> named_by;
  std::vector<result_handler> done;
  std::optional<transport::tls_contexts> made = std::nullopt;
  std::string problem = {};
};

certificate_renewal::certificate_renewal(io::shard& loop, const path_in_root& paths,
                                         use_handler use)
    : paths_{paths}, use_{std::move(use)}, watch_{loop, [this] { reload([](const auto&) {}); }},
      disk_{loop} {}

void certificate_renewal::follow(std::shared_ptr<const script::program> named_by,
                                 transport::tls_contexts now) {
  named_by_ = std::move(named_by);
  now_ = std::move(now);
  try {
    watch_.watch(tls_files(*named_by_, [this](const auto& path) { return paths_.find(path); }));
  } catch (const std::exception& error) {
    watch_.watch({});
    log_warning("certificates that change will not be noticed: {}", error.what());
  }
  if (const auto days = days_left(); days && *days < few_days)
    log_warning("our certificate expires in {:.0f} days: renew it", std::floor(*days));
}

void certificate_renewal::reload(result_handler done) {
  if (!named_by_) return done("TLS is not listened for");
  waiting_.push_back(std::move(done));
  if (!is_reading_) begin();
}

void certificate_renewal::begin() {
  const auto of = std::make_shared<reading>(
      reading{.named_by = named_by_, .done = std::exchange(waiting_, {})});
  is_reading_ = true;
  // The thread has no share in it: it is told, and dies, on the shard.
  const bool is_started = disk_.run(
      [this, raw = of.get()] {
        try {
          raw->made =
              read_tls(*raw->named_by, [this](const auto& path) { return paths_.find(path); });
        } catch (const std::exception& error) {
          raw->problem = error.what();
        }
      },
      [this, of] { finish(*of); });
  if (is_started) return;
  of->problem = "the system has no thread to read the files with";
  finish(*of);
}

void certificate_renewal::finish(reading& of) {
  is_reading_ = false;
  // A script that was loaded meanwhile has brought its own.
  if (of.made && of.named_by == named_by_) {
    use_(*of.made);
    follow(named_by_, *of.made);
    log_notice("certificates were read again; open connections keep theirs");
  } else if (!of.problem.empty()) {
    log_error("certificates: {}; those that are used stay", of.problem);
  }
  for (const result_handler& done : of.done) done(of.problem);
  if (!waiting_.empty() && !is_reading_) begin();
}

std::optional<double> certificate_renewal::days_left() const {
  const auto expires = now_.server.expires();
  if (!expires) return std::nullopt;
  constexpr double day = 86'400;
  return std::chrono::duration<double>{*expires - std::chrono::system_clock::now()}.count() / day;
}

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/sasl_login.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <gsasl.h>
#include <new>
#include <optional>
#include <utility>

namespace tandem::xmpp {

namespace {

/// The best first.
constexpr std::array<const char*, 3> known{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};
constexpr std::size_t longest_challenge = 4096;
/// RFC 7677 4 wants 4096 at least: fewer give the password away to who has made them up. More than
/// the other bound would stop our loop for longer than a tenth of a second.
constexpr std::uint32_t fewest_iterations = 4096;
constexpr std::uint32_t most_iterations = 100'000;

/// What libgsasl has allocated; wiped, since it may hold a password.
class gsasl_text {
 public:
  gsasl_text() noexcept = default;
  gsasl_text(const gsasl_text&) = delete;
  gsasl_text& operator=(const gsasl_text&) = delete;
  ~gsasl_text() {
    if (!text) return;
    explicit_bzero(text, size);
    gsasl_free(text);
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return text ? std::string_view{text, size} : std::string_view{};
  }
  char* text = nullptr;
  std::size_t size = 0;
};

struct done_with_gsasl {
  void operator()(Gsasl* context) const noexcept { gsasl_done(context); }
};

/// Of this thread: made once, it is never changed.
Gsasl* library() noexcept {
  thread_local const std::unique_ptr<Gsasl, done_with_gsasl> mine{[] {
    Gsasl* made = nullptr;
    return gsasl_init(&made) == GSASL_OK ? made : nullptr;
  }()};
  return mine.get();
}

sasl_errc error_of(int reason) noexcept {
  return reason == GSASL_MALLOC_ERROR ? sasl_errc::no_memory : sasl_errc::bad_challenge;
}

/// The value of `name=` in a message of SCRAM (RFC 5802 5.1).
std::string_view scram_value(std::string_view message, char name) noexcept {
  while (!message.empty()) {
    const std::string_view part = message.substr(0, message.find(','));
    if (part.size() > 2 && part[0] == name && part[1] == '=') return part.substr(2);
    message.remove_prefix(std::min(part.size() + 1, message.size()));
  }
  return {};
}

/// RFC 6120 6.4.2: no data is an empty element, empty data an equals sign.
std::string write_step(std::string_view name, std::string_view mechanism, std::string_view data) {
  std::string out = "<" + std::string{name} + " xmlns='" + std::string{sasl_space} + "'";
  if (!mechanism.empty()) out += " mechanism='" + std::string{mechanism} + "'";
  out += '>';
  out += data.empty() && !mechanism.empty() ? "=" : data;
  return out += "</" + std::string{name} + ">";
}

} // namespace

class sasl_login::exchange {
 public:
  static result<std::unique_ptr<exchange, free_exchange>, sasl_errc>
  begin(const char* mechanism, const sasl_account& account, scram_cache& cache) {
    std::unique_ptr<exchange, free_exchange> made{new exchange{mechanism, cache}};
    if (!library() || gsasl_client_start(library(), mechanism, &made->session_) != GSASL_OK)
      return fail(sasl_errc::no_memory);
    const std::string password{account.password.reveal()};
    int state = gsasl_property_set(made->session_, GSASL_AUTHID, account.user.c_str());
    if (state == GSASL_OK)
      state = gsasl_property_set(made->session_, GSASL_PASSWORD, password.c_str());
    explicit_bzero(const_cast<char*>(password.data()), password.size());
    if (state != GSASL_OK) return fail(sasl_errc::no_memory);
    return made;
  }
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  ~exchange() {
    if (session_) gsasl_finish(session_);
  }

  /// One step. \param data in base64, as on the wire. \return the same of ours
  result<std::string, sasl_errc> step(std::string_view data) {
    gsasl_text in;
    if (data == "=") data = {};
    if (data.size() > longest_challenge) return fail(sasl_errc::bad_challenge);
    if (const int state = gsasl_base64_from(data.data(), data.size(), &in.text, &in.size);
        state != GSASL_OK)
      return fail(error_of(state));
    if (const auto refused = look_at_iterations(in.view())) return fail(*refused);
    gsasl_text out;
    const int state = gsasl_step(session_, in.text, in.size, &out.text, &out.size);
    if (state != GSASL_OK && state != GSASL_NEEDS_MORE) return fail(error_of(state));
    is_done_ = state == GSASL_OK;
    keep_salted_password();
    gsasl_text coded;
    if (gsasl_base64_to(out.text, out.size, &coded.text, &coded.size) != GSASL_OK)
      return fail(sasl_errc::no_memory);
    return std::string{coded.view()};
  }

  [[nodiscard]] bool is_done() const noexcept { return is_done_; }

 private:
  exchange(std::string_view mechanism, scram_cache& cache) : cache_{cache}, mechanism_{mechanism} {}

  /// Before libgsasl begins to count. \return why it must not
  std::optional<sasl_errc> look_at_iterations(std::string_view message) {
    const std::string_view iterations = scram_value(message, 'i');
    if (!mechanism_.starts_with("SCRAM") || iterations.empty()) return std::nullopt;
    const auto count = parse_number<std::uint32_t>(iterations);
    if (!count || *count < fewest_iterations || *count > most_iterations)
      return sasl_errc::iterations;
    const std::string_view salt = scram_value(message, 's');
    if (cache_.mechanism == mechanism_ && cache_.salt == salt && cache_.iterations == iterations) {
      const std::string known_already{cache_.salted_password.reveal()};
      const int state =
          gsasl_property_set(session_, GSASL_SCRAM_SALTED_PASSWORD, known_already.c_str());
      explicit_bzero(const_cast<char*>(known_already.data()), known_already.size());
      if (state != GSASL_OK) return sasl_errc::no_memory;
    }
    return std::nullopt;
  }

  void keep_salted_password() {
    const char* const salted = gsasl_property_fast(session_, GSASL_SCRAM_SALTED_PASSWORD);
    const char* const salt = gsasl_property_fast(session_, GSASL_SCRAM_SALT);
    const char* const iterations = gsasl_property_fast(session_, GSASL_SCRAM_ITER);
    if (!salted || !salt || !iterations) return;
    cache_ = {.mechanism = std::string{mechanism_},
              .salt = salt,
              .iterations = iterations,
              .salted_password = secret{salted}};
  }

  scram_cache& cache_;
  std::string_view mechanism_;
  Gsasl_session* session_ = nullptr;
  bool is_done_ = false;
};

void sasl_login::free_exchange::operator()(exchange* e) const noexcept { delete e; }

std::string_view to_string(sasl_errc e) noexcept {
  switch (e) {
  case sasl_errc::no_mechanism: return "server offers no mechanism on this URL";
  case sasl_errc::no_usable_mechanism: return "server offers no mechanism that this account allows";
  case sasl_errc::bad_challenge: return "server broke the rules of the mechanism";
  case sasl_errc::iterations: return "server wants an iteration count outside of 4096 to 100,000";
  case sasl_errc::unproved_server: return "server has not proved that it knows the password";
  case sasl_errc::no_memory: return "out of memory";
  }
  return "";
}

result<sasl_login, sasl_errc> sasl_login::begin(const xml_element& mechanisms, bool is_over_tls,
                                                const sasl_account& account, scram_cache& cache) {
  if (mechanisms.children.empty()) return fail(sasl_errc::no_mechanism);
  const auto is_offered = [&](std::string_view name) {
    return std::ranges::any_of(mechanisms.children, [&](const xml_element& one) {
      return one.is("mechanism", sasl_space) && trim(one.text) == name;
    });
  };
  for (const char* const name : known) {
    const bool is_plain = std::strcmp(name, "PLAIN") == 0;
    if (!is_offered(name) || (is_plain && !is_over_tls && !account.allows_plain_without_tls))
      continue;
    auto made = exchange::begin(name, account, cache);
    if (!made) return fail(made.error());
    sasl_login login{std::move(*made), name};
    auto data = login.exchange_->step({});
    if (!data) return fail(data.error());
    login.first_ = write_step("auth", name, *data);
    return login;
  }
  return fail(sasl_errc::no_usable_mechanism);
}

result<std::string, sasl_errc> sasl_login::on_challenge(const xml_element& challenge) {
  // A step after the last one would begin a mechanism anew.
  if (exchange_->is_done()) return fail(sasl_errc::bad_challenge);
  auto data = exchange_->step(trim(challenge.text));
  if (!data) return fail(data.error());
  return write_step("response", {}, *data);
}

result<void, sasl_errc> sasl_login::on_success(const xml_element& success) {
  const std::string_view data = trim(success.text);
  // RFC 6120 6.4.6: the last word of the mechanism may come with it.
  if (!exchange_->is_done() && !data.empty()) {
    const auto last = exchange_->step(data);
    if (!last && last.error() == sasl_errc::no_memory) return fail(last.error());
  }
  if (!exchange_->is_done()) return fail(sasl_errc::unproved_server);
  return {};
}

bool is_lasting_failure(const xml_element& failure) noexcept {
  return !failure.find_child("temporary-auth-failure", sasl_space) &&
         !failure.find_child("aborted", sasl_space);
}

} // namespace tandem::xmpp

// SPDX-License-Identifier: Apache-2.0
// The client's side of a session of BOSH (XEP-0124 1.11, XEP-0206) as a machine without I/O: which
// requests are made when, which are repeated, what their answers bring and in which order, and why
// it ends. It is told what happens and the moment, and calls nobody; after each input
// advance() decides what is sent, and take_posts() has it. One thread for each object.
//
// A request must be posted only after the snapshot that holds its rid has been kept, where a
// session is to outlive the process.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/xmpp/bosh_answer.hpp>
#include <tandem/xmpp/key_sequence.hpp>
#include <tandem/xmpp/session_end.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::xmpp {

enum class bosh_mode : std::uint8_t {
  held,   ///< a request is with the server at all times: what it has to say comes at once
  sparse, ///< a request when there is something to say, else just often enough to keep the session
};

struct bosh_options {
  std::string domain = {}; ///< the server's (to)
  std::string from = {};   ///< our bare address; empty: not told, as on a way without TLS
  std::string route = {};  ///< XEP-0124 7.1; empty: none
  std::string language = "en";
  bosh_mode mode = bosh_mode::held;
  seconds wait{60};        ///< that a request may be held; sparse: 1 s
  bool uses_keys = false;  ///< XEP-0124 15
  bool wants_acks = false; ///< XEP-0124 9
};

/// A request to be sent now by POST. One of the same rid that is still on its way is given up for
/// it.
struct bosh_post {
  std::uint64_t rid = 0;
  std::string body = {};
  duration deadline{};               ///< for the answer
  bool needs_own_connection = false; ///< its answer may never come
};

/// What a session needs to go on in another process.
struct bosh_snapshot {
  session_terms terms = {};
  std::uint64_t rid = 0;     ///< the last that was used
  request_keys keys = {};    ///< that went with it
  std::string key_seed = {}; ///< of those that come
  std::uint32_t keys_left = 0;
  bool is_paused = false; ///< that request was a pause

  friend bool operator==(const bosh_snapshot&, const bosh_snapshot&) = default;
};

class bosh_session {
 public:
  static constexpr instant never = instant::max();
  /// What may wait to be sent.
  static constexpr std::size_t most_waiting_bytes = std::size_t{64} * 1024;

  explicit bosh_session(bosh_options options) : options_{std::move(options)} {}

  /// Begins a session. \param random nobody can guess it; the first rid is made of it
  /// \param seed of the keys; not used without
  void open(std::uint64_t random, std::string_view seed, instant now);

  /// Goes on with a session of another process: by an empty request of the last rid, whether it had
  /// arrived or not; what is sent from now on follows it without waiting for its answer.
  void resume(const bosh_snapshot& kept, instant now);

  /// Stanzas to be sent, whole elements. \return false when too much waits already, or it is over
  [[nodiscard]] bool send(std::string_view stanzas);

  /// Begins the stream anew, after authentication (XEP-0206 5).
  void restart();

  /// Until the login is through: requests as in the held mode, however sparse it is.
  void set_eager(bool is_eager) noexcept { is_eager_ = is_eager; }

  /// Asks the server to keep the session without requests for as long as it allows (XEP-0124 12).
  /// \return false when it allows none, or there is no session
  bool pause(instant now);

  /// Ends the session with these stanzas. It is over when the server has answered, or after 5 s.
  void terminate(std::string_view last_stanzas, instant now);

  /// The answer of HTTP to a request. \return the stanzas that are due now, in the order of the
  /// rids
  [[nodiscard]] std::vector<xml_element> on_answer(std::uint64_t rid, unsigned status,
                                                   std::string_view body, instant now);
  /// No answer came. \param was_sent some of it may have reached the server.
  void on_failed(std::uint64_t rid, bool was_sent, instant now);

  /// Every request that is on its way is lost, for want of memory perhaps: they are repeated at
  /// that moment.
  void repeat_all(instant at) noexcept;

  /// Makes what is due to be sent.
  void advance(instant now);
  /// When to call advance() if nothing else happens.
  [[nodiscard]] instant next_due() const noexcept;

  [[nodiscard]] std::vector<bosh_post> take_posts() { return std::exchange(posts_, {}); }

  [[nodiscard]] bool has_begun() const noexcept { return phase_ != phase::idle; }
  /// There is a session with the server.
  [[nodiscard]] bool is_open() const noexcept { return phase_ == phase::open; }
  /// Its last request was a pause.
  [[nodiscard]] bool is_paused() const noexcept { return is_paused_; }
  /// What is sent now leaves at once.
  [[nodiscard]] bool has_room() const noexcept;
  /// Why it is over.
  [[nodiscard]] std::optional<session_end> end() const noexcept { return end_; }
  /// Where the server wants to be asked instead (see_other_uri).
  [[nodiscard]] const std::string& other_uri() const noexcept { return other_uri_; }
  [[nodiscard]] std::uint64_t last_rid() const noexcept { return next_rid_ - 1; }
  /// All requests up to this one have been answered.
  [[nodiscard]] std::uint64_t answered_rid() const noexcept { return answered_rid_; }
  /// Requests that the server refused as malformed (HTTP 400) and that were emptied.
  [[nodiscard]] std::uint32_t emptied() const noexcept { return emptied_; }
  [[nodiscard]] const session_terms& terms() const noexcept { return terms_; }
  /// Of a session that is open.
  [[nodiscard]] bosh_snapshot snapshot() const;

 private:
  enum class phase : std::uint8_t { idle, creating, open, terminating, over };
  enum class content : std::uint8_t { empty, stanzas, restart, pause, terminate };

  /// A request that has no answer yet, or one that must wait for those before it.
  struct request {
    std::uint64_t rid = 0;
    std::string body = {};
    content what = content::empty;
    request_keys keys = {};
    std::optional<bosh_answer> answer = {};
    bool is_on_its_way = false;
    std::uint8_t attempts = 0;
    instant sent_at{};
    instant repeat_at = never;

    [[nodiscard]] bool counts() const noexcept { return !answer && what != content::pause; }
  };

  void add(content what, std::string_view stanzas, instant now);
  [[nodiscard]] std::string write_body(const request& of, std::string_view stanzas) const;
  void post(request& r, instant now);
  [[nodiscard]] request* find(std::uint64_t rid) noexcept;
  void take_terms(bosh_answer& answer);
  void take_answer(request& r, bosh_answer&& answer, instant now, std::vector<xml_element>& told);
  void tell_in_order(std::vector<xml_element>& told, instant now);
  void repeat_unanswered(instant now);
  void on_refused(request& r, instant now);
  void note_trouble(request& r, instant now);
  void finish(session_end why) noexcept;
  [[nodiscard]] std::size_t unanswered() const noexcept;
  [[nodiscard]] bool may_go_on() const noexcept;
  [[nodiscard]] bool is_polling() const noexcept;
  [[nodiscard]] duration inactivity() const noexcept;
  [[nodiscard]] bool is_sparse() const noexcept {
    return options_.mode == bosh_mode::sparse && !is_eager_;
  }
  [[nodiscard]] instant next_empty() const noexcept;
  [[nodiscard]] instant earliest_request() const noexcept;

  bosh_options options_;
  phase phase_ = phase::idle;
  bool is_eager_ = false;
  bool wants_restart_ = false;
  bool is_paused_ = false;
  std::uint8_t repeats_asked_ = 0;
  std::uint32_t emptied_ = 0;
  std::optional<session_end> end_;
  session_terms terms_;
  std::uint64_t next_rid_ = 0;
  std::uint64_t answered_rid_ = 0;
  key_sequence keys_;
  request_keys last_keys_;
  std::vector<request> requests_; ///< in the order of their rids; at most five
  std::string waiting_;           ///< stanzas
  std::vector<bosh_post> posts_;
  std::string other_uri_;
  instant last_answer_{};
  instant last_sent_{};
  instant trouble_since_ = never;
  instant paused_until_{};
  instant ends_at_ = never; ///< of terminating
};

} // namespace tandem::xmpp

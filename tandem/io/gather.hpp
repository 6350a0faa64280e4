// SPDX-License-Identifier: Apache-2.0
// A question to all shards, and their answers together. For control, not for calls: each round
// allocates. Made before the loops run, destroyed after they have stopped; used on shard 0.
#pragma once

#include <tandem/io/mailroom.hpp>
#include <tandem/io/shard.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tandem::io {

class gather {
 public:
  /// \param shards all of them, in the order of their indices; they outlive this.
  explicit gather(const std::vector<shard*>& shards)
      : shards_{shards}, room_{shards, [this](shard& at, letter& l) { receive(at, l); }} {}

  [[nodiscard]] std::size_t size() const noexcept { return shards_.size(); }

  /// Asks every shard, shard 0 included.
  /// \param question runs on each shard's thread; what it returns travels as a value
  /// \param limit how long to wait for the slowest
  /// \param done runs once on shard 0, never from inside this call: the answers by shard, nothing
  /// from one that has not answered in time. It does not run when the loops end before.
  template <typename Answer>
  void ask(std::function<Answer(shard& at)> question, duration limit,
           std::function<void(std::vector<std::optional<Answer>>)> done) {
    const auto made =
        std::make_shared<round_of<Answer>>(*this, std::move(question), std::move(done));
    open_.push_back(made);
    shards_[0]->timers().arm(*made, tandem::now() + limit);
    for (std::size_t to = 0; to < shards_.size(); ++to)
      room_.send(*shards_[0], static_cast<std::uint16_t>(to), letter{made, letter::question});
  }

 private:
  /// One question on its way. Letters may outlive its end: a shard that is late writes an answer
  /// that nobody reads.
  struct round : timer {
    explicit round(gather& to) : owner{to}, has_come(to.size()), missing{to.size()} {}
    virtual ~round() = default;
    virtual void answer(shard& at) = 0; ///< on the shard that is asked
    virtual void finish() = 0;          ///< on shard 0

    void on_timer(instant) override { owner.end(*this); }

    gather& owner;
    std::vector<bool> has_come; ///< looked at on shard 0 only
    std::size_t missing;
  };

  template <typename Answer>
  struct round_of final : round {
    round_of(gather& to, std::function<Answer(shard&)> asked,
             std::function<void(std::vector<std::optional<Answer>>)> then)
        : round{to}, question{std::move(asked)}, done{std::move(then)}, answers(to.size()) {}

    void answer(shard& at) override { answers[at.index()] = question(at); }
    void finish() override {
      std::vector<std::optional<Answer>> in_time(answers.size());
      for (std::size_t i = 0; i < answers.size(); ++i)
        if (this->has_come[i]) in_time[i] = std::move(answers[i]);
      const auto then = std::exchange(done, nullptr); // dies on this thread
      then(std::move(in_time));
    }

    std::function<Answer(shard&)> question;
    std::function<void(std::vector<std::optional<Answer>>)> done;
    std::vector<std::optional<Answer>> answers; ///< each written once, by its shard
  };

  struct letter {
    static constexpr int question = -1;
    std::shared_ptr<round> of;
    int answered_by = question;
  };

  void receive(shard& at, letter& l) {
    const auto of = std::move(l.of);
    if (l.answered_by == letter::question) {
      of->answer(at);
      return room_.send(at, 0, letter{of, at.index()});
    }
    of->has_come[static_cast<std::size_t>(l.answered_by)] = true;
    if (--of->missing == 0) end(*of);
  }

  void end(round& which) {
    for (auto it = open_.begin(); it != open_.end(); ++it) {
      if (it->get() != &which) continue;
      const auto alive = std::move(*it);
      open_.erase(it);
      alive->cancel();
      return alive->finish();
    }
  }

  std::vector<shard*> shards_;
  std::vector<std::shared_ptr<round>> open_;
  mailroom<letter> room_;
};

} // namespace tandem::io

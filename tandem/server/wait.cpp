// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/wait.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/server/core.hpp>

namespace tandem::server {

/// The answer on its way to the core: made with the token, so that it arrives without memory too.
struct awaited::arrival final : io::errand {
  arrival(std::shared_ptr<const answer_inbox> in, routing_handle of, std::uint32_t token)
      : where{std::move(in)}, waiting{of}, number{token} {}

  void run() override {
    if (where->home) where->home->answer(waiting, number, std::move(answer));
  }

  std::shared_ptr<const answer_inbox> where;
  routing_handle waiting;
  std::uint32_t number;
  std::shared_ptr<awaited> answer = nullptr; ///< none: "no"
};

awaited::awaited(std::shared_ptr<const answer_inbox> where, routing_handle run,
                 std::uint32_t number)
    : arrival_{std::make_unique<arrival>(std::move(where), run, number)} {}

awaited::~awaited() {
  if (is_answered_) return;
  // Whoever destroys a token stands anywhere: the script goes on in a turn of its own.
  io::shard& home = arrival_->where->shard;
  home.post(std::move(arrival_));
}

void awaited::deliver(std::shared_ptr<awaited> answered) {
  std::unique_ptr<arrival> way = std::move(answered->arrival_);
  way->answer = std::move(answered);
  io::shard& home = way->where->shard;
  if (io::shard::current() == &home)
    way->run();
  else
    home.post(std::move(way));
}

} // namespace tandem::server

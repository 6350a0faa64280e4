// SPDX-License-Identifier: Apache-2.0
// The application FIFO: reads requests from a named pipe, and writes each reply to the file that
// its request names. A loop of its own thread does that, since a folder may lie on a slow disk;
// commands run where `ask` has them run.
//
// Whoever may write to the FIFO may ask, so its mode says who that is. The reply goes to a pipe
// that its reader has made in the reply folder, or to a regular file there; no link is followed,
// nothing is created, and a reader who takes nothing is given up after a while.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/sparse_log.hpp>
#include <tandem/control/fifo_reply.hpp>
#include <tandem/control/fifo_request.hpp>
#include <tandem/io/shard.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace tandem::control {

class fifo_door final : io::readiness, timer {
 public:
  /// Requests that run at a time; while there are so many, the FIFO is not read.
  static constexpr std::size_t most_running = 64;
  /// Replies that wait for their readers; beyond, who has waited longest is given up.
  static constexpr std::size_t most_replies = 1'024;
  static constexpr std::size_t most_reply_bytes = std::size_t{64} << 20U;
  /// A request that has begun is all there is when nothing more comes for so long.
  static constexpr duration patience = seconds{2};

  /// What a command answers: a text, or the first piece of one, whose rest is asked for.
  struct answer {
    std::string text;
    std::shared_ptr<fifo_text_source> more = {};
  };
  /// Runs a request that is whole, and calls back once, on this loop, perhaps before it returns.
  using asker = std::function<void(fifo_request request, std::function<void(answer)> done)>;

  struct counts {
    counter requests; ///< that named a command
    counter junk;     ///< lines that belong to no request
    counter lost;     ///< replies that nobody has taken
  };

  /// \param fifo an open named pipe with a write end open too, so that it never ends
  /// \param replies path of the reply folder
  fifo_door(io::shard& loop, io::unique_fd fifo, std::string replies,
            fifo_reader::find_command commands, asker ask);
  fifo_door(const fifo_door&) = delete;
  fifo_door& operator=(const fifo_door&) = delete;
  ~fifo_door();

  [[nodiscard]] const counts& counted() const noexcept { return counts_; }
  /// Nothing runs, and no reply waits.
  [[nodiscard]] bool is_idle() const noexcept { return running_ == 0 && replies_.empty(); }

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(instant now) override;
  void read();
  void take(fifo_request request);
  void deliver(const std::string& to, answer reply);
  void make_room(std::size_t bytes);
  void remove(const fifo_reply& done, fifo_reply::outcome how);

  io::shard& loop_;
  io::unique_fd fifo_;
  std::string folder_;
  asker ask_;
  fifo_reader reader_;
  counts counts_;
  sparse_log complaints_;
  std::size_t running_ = 0;
  bool is_watched_ = false;
  std::list<std::unique_ptr<fifo_reply>> replies_; ///< the oldest first
  std::shared_ptr<fifo_door*> self_;               ///< null for answers that come too late
};

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
// One reply on its way to the file that a request of the FIFO has named: a pipe that somebody
// reads, or will in a moment, or a regular file. It never waits for a reader. The thread of its
// loop.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/shard.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tandem::control {

/// What brings a text piece by piece, each when there is room for it.
class fifo_text_source {
 public:
  struct piece {
    std::string text;
    bool is_last = false;
  };

  fifo_text_source() = default;
  fifo_text_source(const fifo_text_source&) = delete;
  fifo_text_source& operator=(const fifo_text_source&) = delete;
  virtual ~fifo_text_source() = default;

  /// Calls `brought` once, on the loop of the reply and never from inside: with the next piece, or
  /// with nothing where the text cannot go on. Not called again before that, nor after the last.
  virtual void next(std::function<void(std::optional<piece>)> brought) = 0;
};

class fifo_reply final : io::readiness, timer {
 public:
  enum class outcome : std::uint8_t { taken, lost };
  /// Told once; the reply may be destroyed in it.
  using end_handler = std::function<void(const fifo_reply& done, outcome how)>;

  /// A reader may open its end a little after it has asked.
  static constexpr int tries = 5;
  static constexpr duration between_tries = milliseconds{80};

  /// \param path of the reply file \param more what follows `text`; null: nothing
  /// \param patience without a byte taken for so long the reader is given up
  fifo_reply(io::shard& loop, std::string path, std::string text,
             std::shared_ptr<fifo_text_source> more, end_handler on_end,
             duration patience = seconds{10});
  fifo_reply(const fifo_reply&) = delete;
  fifo_reply& operator=(const fifo_reply&) = delete;
  ~fifo_reply();

  /// Opens the file and writes what it takes; may end it.
  void begin();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Why it was lost, for the log.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  [[nodiscard]] std::size_t waiting_bytes() const noexcept { return text_.size() - written_; }

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(instant now) override;
  void open();
  void write();
  void wait_for_reader();
  void ask_for_more();
  void end(outcome how, std::string why = {});

  io::shard& loop_;
  std::string path_;
  std::string text_;
  std::size_t written_ = 0;
  std::shared_ptr<fifo_text_source> more_;
  end_handler on_end_;
  duration patience_;
  int tried_ = 0;
  io::unique_fd fd_;
  bool is_watched_ = false;
  std::string why_;
  std::shared_ptr<fifo_reply*> self_; ///< null for a piece that comes too late
};

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
// The requests of the application FIFO as they are found in its bytes:
//
//   :ul_show_contact:reply_name LF      the command, and where its reply goes
//   location LF                         its parameters, a line each
//   alice LF
//   LF                                  the end; after the last parameter it may be missing
//
// Several programs write to one FIFO. Once a request has the lines that it must have, a line that
// names a command begins the next; before that it is a parameter like any other. One that stops in
// the middle ends at an empty line, or when nothing more comes. No I/O, no clock; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::control {

struct fifo_request {
  enum class problem : std::uint8_t {
    none,
    unknown_command,
    incomplete, ///< a line that the command wants has not come
    too_long,
  };

  std::string command;
  std::string reply; ///< name of the file that its reply goes to; empty: nobody wants one
  std::vector<std::string> lines;
  problem what = problem::none;
};

class fifo_reader {
 public:
  static constexpr std::size_t longest_request = 65'536;

  /// How many lines a command takes.
  struct line_count {
    std::size_t least = 0;
    std::size_t most = 0;
  };
  using find_command = std::function<std::optional<line_count>(std::string_view name)>;
  using request_handler = std::function<void(fifo_request)>;
  using junk_handler = std::function<void(std::string_view line)>;

  /// \param find knows the commands \param on_request gets each request that names a command
  /// \param on_junk gets each line that belongs to none; it has no reply to go to
  fifo_reader(find_command find, request_handler on_request, junk_handler on_junk);

  /// Takes what was read, in pieces of any size.
  void feed(std::string_view bytes);

  /// Something has begun whose end has not come.
  [[nodiscard]] bool is_inside_request() const noexcept { return current_ || !line_.empty(); }
  /// Nothing more has come for a while: what has begun is all there is.
  void end_of_patience();

 private:
  void take_line(std::string_view line);
  [[nodiscard]] bool begin(std::string_view line);
  void end();
  void give_up(fifo_request::problem why);

  find_command find_;
  request_handler on_request_;
  junk_handler on_junk_;
  std::string line_;           ///< begun
  bool skips_line_ = false;    ///< the rest of it: it was too long
  bool skips_request_ = false; ///< until an empty line or the next command
  std::optional<fifo_request> current_;
  line_count wanted_;
  std::size_t size_ = 0; ///< of the current request
};

} // namespace tandem::control

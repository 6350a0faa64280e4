// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_door.hpp>

#include <tandem/control/fifo_form.hpp>

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace tandem::control {

fifo_door::fifo_door(io::shard& loop, io::unique_fd fifo, std::string replies,
                     fifo_reader::find_command commands, asker ask)
    : loop_{loop}, fifo_{std::move(fifo)}, folder_{std::move(replies)}, ask_{std::move(ask)},
      reader_{std::move(commands), [this](fifo_request request) { take(std::move(request)); },
              [this](std::string_view line) {
                ++counts_.junk;
                complaints_.warning(
                    loop_.now(), "FIFO: a line that belongs to no request was dropped ({} bytes)",
                    line.size());
              }},
      self_{std::make_shared<fifo_door*>(this)} {
  is_watched_ = loop_.watch(fifo_.get(), *this, EPOLLIN);
}

fifo_door::~fifo_door() {
  *self_ = nullptr;
  cancel();
  if (fifo_) loop_.unwatch(fifo_.get(), *this);
}

void fifo_door::on_ready(std::uint32_t) { read(); }

void fifo_door::read() {
  char part[4096];
  const ssize_t got = ::read(fifo_.get(), part, sizeof part);
  if (got <= 0) return; // nothing there, and there is always a writer
  reader_.feed({part, static_cast<std::size_t>(got)});
  if (reader_.is_inside_request())
    loop_.timers().arm(*this, loop_.now() + patience);
  else
    cancel();
  if (running_ >= most_running) loop_.rewatch(fifo_.get(), *this, 0);
}

void fifo_door::on_timer(instant) { reader_.end_of_patience(); }

void fifo_door::take(fifo_request request) {
  ++counts_.requests;
  const std::string to = request.reply;
  switch (request.what) {
  case fifo_request::problem::unknown_command:
    return deliver(to, {fmt::format("500 command '{}' not available\n", request.command)});
  case fifo_request::problem::too_long:
    return deliver(to, {fmt::format("400 {}: the request is longer than {} bytes\n",
                                    request.command, fifo_reader::longest_request)});
  case fifo_request::problem::incomplete: // the command says what is missing
  case fifo_request::problem::none: break;
  }
  ++running_;
  ask_(std::move(request), [self = self_, to](answer reply) {
    fifo_door* const door = *self;
    if (!door) return;
    if (--door->running_ == most_running - 1)
      door->loop_.rewatch(door->fifo_.get(), *door, EPOLLIN);
    door->deliver(to, std::move(reply));
  });
}

void fifo_door::deliver(const std::string& to, answer reply) {
  if (to.empty()) return;
  make_room(reply.text.size());
  replies_.push_back(std::make_unique<fifo_reply>(
      loop_, folder_ + "/" + to, std::move(reply.text), std::move(reply.more),
      [this](const fifo_reply& done, fifo_reply::outcome how) { remove(done, how); }));
  replies_.back()->begin();
}

/// Of those that wait, whoever has waited longest is given up for a new one.
void fifo_door::make_room(std::size_t bytes) {
  for (const auto& one : replies_) bytes += one->waiting_bytes();
  while (!replies_.empty() && (replies_.size() >= most_replies || bytes > most_reply_bytes)) {
    bytes -= replies_.front()->waiting_bytes();
    ++counts_.lost;
    replies_.pop_front();
  }
}

void fifo_door::remove(const fifo_reply& done, fifo_reply::outcome how) {
  if (how != fifo_reply::outcome::taken) {
    ++counts_.lost;
    complaints_.warning(loop_.now(), "FIFO: a reply was lost: {}: {}", done.path(), done.why());
  }
  replies_.remove_if([&done](const auto& one) { return one.get() == &done; });
}

} // namespace tandem::control

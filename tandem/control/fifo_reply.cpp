// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_reply.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tandem::control {

namespace {

/// Why a reply must not go there; empty when it may. A second name of a file may be a trap: it
/// stands in a folder of somebody else.
const char* why_unfit(int fd) noexcept {
  struct stat state {};
  if (::fstat(fd, &state) != 0) return std::strerror(errno);
  if (S_ISFIFO(state.st_mode)) return nullptr;
  if (!S_ISREG(state.st_mode)) return "it is neither a pipe nor a regular file";
  return state.st_nlink == 1 ? nullptr : "it has another name too";
}

} // namespace

fifo_reply::fifo_reply(io::shard& loop, std::string path, std::string text,
                       std::shared_ptr<fifo_text_source> more, end_handler on_end,
                       duration patience)
    : loop_{loop}, path_{std::move(path)}, text_{std::move(text)}, more_{std::move(more)},
      on_end_{std::move(on_end)}, patience_{patience}, self_{std::make_shared<fifo_reply*>(this)} {}

fifo_reply::~fifo_reply() {
  *self_ = nullptr;
  cancel();
  if (is_watched_) loop_.unwatch(fd_.get(), *this);
}

void fifo_reply::begin() { open(); }

void fifo_reply::open() {
  fd_ = io::unique_fd{
      ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC)};
  if (!fd_) {
    const int error = errno;
    const bool may_come = error == ENXIO || error == ENOENT || error == EINTR;
    if (may_come && ++tried_ < tries) return loop_.timers().arm(*this, loop_.now() + between_tries);
    if (error == ENXIO) return end(outcome::lost, "nobody reads it");
    return end(outcome::lost, error == ELOOP ? "it is a symbolic link" : std::strerror(error));
  }
  if (const char* why = why_unfit(fd_.get())) return end(outcome::lost, why);
  write();
}

void fifo_reply::write() {
  while (written_ < text_.size()) {
    const ssize_t n = ::write(fd_.get(), text_.data() + written_, text_.size() - written_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return wait_for_reader();
    if (n < 0) return end(outcome::lost, std::strerror(errno));
    written_ += static_cast<std::size_t>(n);
    if (is_watched_) loop_.timers().arm(*this, loop_.now() + patience_);
  }
  if (!more_) return end(outcome::taken);
  ask_for_more();
}

void fifo_reply::wait_for_reader() {
  if (is_watched_)
    loop_.rewatch(fd_.get(), *this, EPOLLOUT);
  else if (is_watched_ = loop_.watch(fd_.get(), *this, EPOLLOUT); !is_watched_)
    return end(outcome::lost, "it cannot be waited for");
  if (!is_armed()) loop_.timers().arm(*this, loop_.now() + patience_);
}

void fifo_reply::ask_for_more() {
  text_.clear();
  written_ = 0;
  cancel(); // it is the time of what brings the text
  if (is_watched_) loop_.rewatch(fd_.get(), *this, 0);
  const auto from = more_;
  from->next([self = self_](std::optional<fifo_text_source::piece> piece) {
    fifo_reply* const alive = *self;
    if (!alive) return;
    if (!piece) return alive->end(outcome::lost, "its text could not be made whole");
    alive->text_ = std::move(piece->text);
    if (piece->is_last) alive->more_.reset();
    alive->write();
  });
}

void fifo_reply::on_ready(std::uint32_t events) {
  if ((events & EPOLLERR) != 0) return end(outcome::lost, "its reader has closed it");
  if (written_ < text_.size()) write();
}

void fifo_reply::on_timer(instant) {
  if (!fd_) return open();
  end(outcome::lost, "its reader takes nothing");
}

void fifo_reply::end(outcome how, std::string why) {
  why_ = std::move(why);
  const auto told = std::exchange(on_end_, nullptr);
  told(*this, how);
}

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/file_watch.hpp>

#include <filesystem>
#include <sys/epoll.h>
#include <sys/inotify.h>

namespace tandem::io {
namespace {

constexpr duration quiet_time = milliseconds{200}; // certificate and key change one after the other

} // namespace

file_watch::file_watch(shard& loop, std::function<void()> on_change)
    : loop_{loop}, on_change_{std::move(on_change)}, fd_{::inotify_init1(IN_NONBLOCK |
                                                                         IN_CLOEXEC)} {
  if (fd_) loop_.watch(fd_.get(), *this, EPOLLIN);
}

file_watch::~file_watch() {
  if (fd_) loop_.unwatch(fd_.get(), *this);
}

void file_watch::watch(const std::vector<std::string>& files) {
  for (const auto& [folder, names] : names_) ::inotify_rm_watch(fd_.get(), folder);
  names_.clear();
  for (const auto& file : files) {
    const std::filesystem::path path{file};
    const auto folder = path.has_parent_path() ? path.parent_path().string() : std::string{"."};
    const int id =
        ::inotify_add_watch(fd_.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE);
    if (id >= 0) names_[id].insert(path.filename().string());
  }
}

void file_watch::on_ready(std::uint32_t) {
  alignas(inotify_event) char bytes[4096];
  for (;;) {
    const auto size = ::read(fd_.get(), bytes, sizeof bytes);
    if (size <= 0) return;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(bytes + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      const auto folder = names_.find(event->wd);
      if (folder != names_.end() && event->len > 0 && folder->second.contains(event->name))
        loop_.timers().arm(*this, loop_.now() + quiet_time);
    }
  }
}

void file_watch::on_timer(instant) { on_change_(); }

} // namespace tandem::io

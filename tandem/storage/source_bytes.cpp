// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/source_bytes.hpp>

#include <new>

namespace tandem::storage {

bool source_bytes::take(const ip_address& source, std::size_t bytes) noexcept {
  if (limit_ == 0 || bytes == 0 || source == ip_address{}) return true;
  share& in = share_of(source);
  const std::lock_guard lock{in.mutex};
  const auto it = in.bytes.find(source);
  const std::size_t before = it == in.bytes.end() ? 0 : it->second;
  if (bytes > limit_ || before > limit_ - bytes) return false;
  if (it != in.bytes.end()) {
    it->second += bytes;
    return true;
  }
  try {
    in.bytes.emplace(source, bytes);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void source_bytes::give(const ip_address& source, std::size_t bytes) noexcept {
  if (limit_ == 0 || bytes == 0 || source == ip_address{}) return;
  share& in = share_of(source);
  const std::lock_guard lock{in.mutex};
  const auto it = in.bytes.find(source);
  if (it == in.bytes.end()) return;
  if (it->second <= bytes)
    in.bytes.erase(it);
  else
    it->second -= bytes;
}

std::size_t source_bytes::of(const ip_address& source) const noexcept {
  const share& in = share_of(source);
  const std::lock_guard lock{in.mutex};
  const auto it = in.bytes.find(source);
  return it == in.bytes.end() ? 0 : it->second;
}

} // namespace tandem::storage

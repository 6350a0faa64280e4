// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/change_set.hpp>

#include <tandem/base/give_back.hpp>

#include <algorithm>

namespace tandem::storage {

namespace {

/// What a burst has needed beyond this is given back.
constexpr std::size_t most_kept_bytes = std::size_t{64} << 10U;

std::array<std::string_view, 6> texts_of(std::string_view aor, const sip::binding& of) {
  return {aor, of.contact, of.parameters, of.path, of.call_id, of.user_agent};
}

} // namespace

void change_set::clear() noexcept {
  if (texts_.capacity() > most_kept_bytes) {
    give_back(texts_);
    give_back(entries_);
  }
  texts_.clear();
  entries_.clear();
  entries_wanted_ = 0;
  bytes_wanted_ = 0;
}

void change_set::reserve_for(std::string_view aor, const sip::binding& value) {
  std::size_t bytes = 0;
  for (const std::string_view text : texts_of(aor, value)) bytes += text.size();
  const auto grow = [](auto& room, std::size_t size) {
    if (size > room.capacity()) room.reserve(std::max(size, 2 * room.capacity()));
  };
  grow(entries_, entries_.size() + entries_wanted_ + 1);
  grow(texts_, texts_.size() + bytes_wanted_ + bytes);
  ++entries_wanted_;
  bytes_wanted_ += bytes;
}

void change_set::add(change_kind kind, std::uint64_t sequence, std::string_view aor,
                     const sip::binding& value) noexcept {
  entry& e = entries_.emplace_back(entry{kind, sequence, value.facts(), texts_.size(), {}});
  std::size_t i = 0;
  for (const std::string_view text : texts_of(aor, value)) {
    texts_.insert(texts_.end(), text.begin(), text.end());
    e.sizes[i++] = static_cast<std::uint32_t>(text.size());
  }
  entries_wanted_ = 0;
  bytes_wanted_ = 0;
}

binding_change change_set::view(const entry& e) const noexcept {
  binding_change made{e.kind, e.sequence, {}, {e.facts, {}, {}, {}, {}, {}}};
  const char* at = texts_.data() + e.begin;
  std::size_t i = 0;
  for (std::string_view* const text :
       {&made.aor, &made.value.contact, &made.value.parameters, &made.value.path,
        &made.value.call_id, &made.value.user_agent}) {
    *text = {at, e.sizes[i]};
    at += e.sizes[i++];
  }
  return made;
}

} // namespace tandem::storage

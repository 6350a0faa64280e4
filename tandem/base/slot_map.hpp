// SPDX-License-Identifier: Apache-2.0
// Objects named by handle instead of by pointer: {slot, generation}. A handle to something that is
// gone finds nothing, which ends the family of use-after-free faults. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace tandem {

/// Names an object of a slot_map<T>; the default one names none. Tag keeps kinds apart.
template <typename Tag>
struct handle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0; ///< 0: none

  [[nodiscard]] explicit operator bool() const noexcept { return generation != 0; }
  friend bool operator==(handle, handle) noexcept = default;
};

/// Owner of objects that do not move. Slots are used again, in pages of 64, with a new generation.
template <typename T>
class slot_map {
 public:
  using key = handle<T>;

  slot_map() = default;
  slot_map(const slot_map&) = delete;
  slot_map& operator=(const slot_map&) = delete;
  ~slot_map() {
    for (auto& of_page : pages_)
      for (slot& s : *of_page)
        if (s.is_live()) s.object()->~T();
  }

  /// Makes an object; it stays at its address until erased.
  template <typename... Args>
  key emplace(Args&&... args) {
    if (free_ == none) add_page();
    const std::uint32_t index = free_;
    slot& s = at(index);
    const std::uint32_t next = s.next_free;
    ::new (static_cast<void*>(s.memory)) T(std::forward<Args>(args)...);
    free_ = next;
    s.next_free = live;
    ++size_;
    return {index, s.generation};
  }

  /// The object, null when it is gone.
  [[nodiscard]] T* find(key k) noexcept {
    if (!k || k.slot >= pages_.size() * page_size) return nullptr;
    slot& s = at(k.slot);
    return s.is_live() && s.generation == k.generation ? s.object() : nullptr;
  }

  /// Destroys the object; no effect when it is gone already.
  void erase(key k) noexcept {
    if (!find(k)) return;
    slot& s = at(k.slot);
    s.object()->~T();
    if (++s.generation == 0) s.generation = 1;
    s.next_free = std::exchange(free_, k.slot);
    --size_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Calls f(key, T&) for each object; f may erase the one it is given.
  template <typename F>
  void for_each(F&& f) {
    for_each_while([&f](key k, T& object) {
      f(k, object);
      return true;
    });
  }
  /// The same until f says false. \param from slot to begin at
  template <typename F>
  void for_each_while(F&& f, std::uint32_t from = 0) {
    for (std::uint32_t i = from; i < pages_.size() * page_size; ++i)
      if (slot& s = at(i); s.is_live() && !f(key{i, s.generation}, *s.object())) return;
  }

 private:
  static constexpr std::uint32_t page_size = 64;
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::uint32_t live = 0xfffffffe;

  struct slot {
    alignas(T) std::byte memory[sizeof(T)];
    std::uint32_t generation = 1;
    std::uint32_t next_free = none;

    [[nodiscard]] bool is_live() const noexcept { return next_free == live; }
    [[nodiscard]] T* object() noexcept { return std::launder(reinterpret_cast<T*>(memory)); }
  };
  using page = std::array<slot, page_size>;

  slot& at(std::uint32_t index) noexcept { return (*pages_[index / page_size])[index % page_size]; }

  void add_page() {
    const auto base = static_cast<std::uint32_t>(pages_.size()) * page_size;
    pages_.push_back(std::make_unique<page>());
    for (std::uint32_t i = 0; i < page_size; ++i)
      at(base + i).next_free = i + 1 < page_size ? base + i + 1 : none;
    free_ = base;
  }

  std::vector<std::unique_ptr<page>> pages_;
  std::uint32_t free_ = none;
  std::size_t size_ = 0;
};

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/block.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tandem {

namespace {

// Small steps where most messages are, so that a kept one wastes little. A power of two with its
// header would fill one page more than it needs.
constexpr std::array<std::size_t, 14> sizes{176, 240,  304,  368,  432,  496,    624,
                                            752, 1008, 1520, 2032, 4080, 16'368, 65'584};

constexpr std::size_t first_size_for(std::size_t capacity) noexcept {
  std::size_t i = 0;
  while (i < sizes.size() && capacity > sizes[i]) ++i;
  return i;
}

constexpr std::size_t step = 16; // every size is a multiple of it

/// The look-up of what a message takes; larger ones are rare.
constexpr auto size_of_steps = [] {
  std::array<std::uint8_t, 2032 / step + 1> table{};
  for (std::size_t n = 0; n < table.size(); ++n)
    table[n] = static_cast<std::uint8_t>(first_size_for(n * step));
  return table;
}();

/// The first size of at least `capacity`; sizes.size() when it is beyond them.
std::size_t size_for(std::size_t capacity) noexcept {
  const std::size_t steps = (capacity + step - 1) / step;
  return steps < size_of_steps.size() ? size_of_steps[steps] : first_size_for(capacity);
}

} // namespace

/// The free blocks of one thread: a list for each size, bounded so that a burst is given back.
class block_store {
 public:
  using header = block_ref::header;

  block_store() = default;
  block_store(const block_store&) = delete;
  block_store& operator=(const block_store&) = delete;
  ~block_store() {
    for (free_list& list : lists_)
      while (list.first) std::free(take(list));
  }

  header* get(std::size_t capacity) {
    const std::size_t i = size_for(capacity);
    if (i != sizes.size()) capacity = sizes[i];
    header* head = i != sizes.size() && lists_[i].first ? take(lists_[i]) : allocate(capacity);
    head->references = 1;
    return head;
  }

  void put(header* head) noexcept {
    const std::size_t i = size_for(head->capacity);
    if (i == sizes.size() || lists_[i].count * sizes[i] >= kept_bytes) return std::free(head);
    head->next = lists_[i].first;
    lists_[i].first = head;
    ++lists_[i].count;
  }

 private:
  struct free_list {
    header* first = nullptr;
    std::size_t count = 0;
  };

  static constexpr std::size_t kept_bytes = std::size_t{1} << 20; ///< of each size

  static header* take(free_list& list) noexcept {
    header* head = list.first;
    list.first = head->next;
    --list.count;
    return head;
  }

  static header* allocate(std::size_t capacity) {
    void* memory = std::malloc(sizeof(header) + capacity);
    if (!memory) throw std::bad_alloc{};
    return new (memory) header{0, static_cast<std::uint32_t>(capacity), nullptr};
  }

  std::array<free_list, sizes.size()> lists_;
};

namespace {
block_store& store() {
  thread_local block_store of_this_thread;
  return of_this_thread;
}
} // namespace

block_ref block_ref::make(std::size_t capacity) {
  block_ref ref;
  ref.head_ = store().get(capacity);
  return ref;
}

block_ref block_ref::copy_of(std::string_view bytes) {
  block_ref ref = make(bytes.size());
  if (!bytes.empty()) std::memcpy(ref.data(), bytes.data(), bytes.size());
  return ref;
}

void block_ref::release(header* head) noexcept { store().put(head); }

} // namespace tandem

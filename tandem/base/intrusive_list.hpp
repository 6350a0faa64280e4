// SPDX-License-Identifier: Apache-2.0
// A doubly linked list whose links live in its elements: no allocation, removal in O(1) without the
// list. One thread. An element leaves its list when it is destroyed.
#pragma once

#include <cstddef>

namespace tandem {

/// Link of an element. Inherit from it once for each list that the element may stand in, told apart
/// by Tag. Neither copied nor moved: the neighbours point here.
template <typename Tag = void>
class list_hook {
 public:
  list_hook() noexcept = default;
  list_hook(const list_hook&) = delete;
  list_hook& operator=(const list_hook&) = delete;
  ~list_hook() { unlink(); }

  [[nodiscard]] bool is_linked() const noexcept { return next_ != this; }

  /// Takes the element out of its list, if it is in one.
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <typename T, typename HookTag>
  friend class intrusive_list;

  void insert_before(list_hook& position) noexcept {
    previous_ = position.previous_;
    next_ = &position;
    previous_->next_ = this;
    position.previous_ = this;
  }

  list_hook* previous_ = this;
  list_hook* next_ = this;
};

/// List of T, which inherits list_hook<Tag>. Owns nothing: elements must outlive their stay.
template <typename T, typename Tag = void>
class intrusive_list {
 public:
  using hook = list_hook<Tag>;

  [[nodiscard]] bool empty() const noexcept { return !head_.is_linked(); }

  /// Puts an element at the end; it leaves the list it was in.
  void push_back(T& element) noexcept {
    hook& link = element;
    link.unlink();
    link.insert_before(head_);
  }

  /// The first element; the list must not be empty.
  [[nodiscard]] T& front() noexcept { return static_cast<T&>(*head_.next_); }

  /// Takes out and returns the first element, null when the list is empty.
  T* pop_front() noexcept {
    if (empty()) return nullptr;
    T& first = front();
    static_cast<hook&>(first).unlink();
    return &first;
  }

  /// Takes all elements out and hands each to `dispose`, which may delete it.
  template <typename Dispose>
  void clear_and_dispose(Dispose dispose) noexcept {
    hook* at = head_.next_;
    head_.previous_ = head_.next_ = &head_;
    while (at != &head_) {
      hook* const next = at->next_;
      at->previous_ = at->next_ = at;
      dispose(static_cast<T*>(at));
      at = next;
    }
  }

  /// Moves all elements of `other` to the end of this list, in their order.
  void splice_back(intrusive_list& other) noexcept {
    if (other.empty()) return;
    hook* first = other.head_.next_;
    hook* last = other.head_.previous_;
    other.head_.previous_ = other.head_.next_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }

 private:
  hook head_;
};

} // namespace tandem

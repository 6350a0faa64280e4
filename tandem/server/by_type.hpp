// SPDX-License-Identifier: Apache-2.0
// One object a type, found by the type: what modules keep for a script, a shard or the process. For
// a handful of types: a list is quicker than a tree. One thread, or immutable.
#pragma once

#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

namespace tandem::server {

template <typename Base>
class by_type {
 public:
  /// Null when there is none of that type.
  [[nodiscard]] Base* find(const std::type_info& type) const noexcept {
    for (const auto& one : all_)
      if (one.first == &type) return one.second.get();
    // A module that was loaded as a shared object may have a type_info of its own for the type.
    for (const auto& one : all_)
      if (*one.first == type) return one.second.get();
    return nullptr;
  }
  /// There must be none of that type yet.
  Base& add(const std::type_info& type, std::unique_ptr<Base> made) {
    return *all_.emplace_back(&type, std::move(made)).second;
  }
  template <typename F>
  void for_each(F&& f) const {
    for (const auto& one : all_) f(*one.second);
  }

 private:
  std::vector<std::pair<const std::type_info*, std::unique_ptr<Base>>> all_;
};

/// Objects of any types, each made with `State(owner)` when it is asked for first.
template <typename Owner>
class states {
 public:
  /// \param owner the same for every call
  template <typename State>
  [[nodiscard]] State& get(Owner& owner) {
    held* found = all_.find(typeid(State));
    if (!found) found = &all_.add(typeid(State), std::make_unique<holder<State>>(owner));
    return static_cast<holder<State>*>(found)->value;
  }

 private:
  struct held {
    virtual ~held() = default;
  };
  template <typename State>
  struct holder final : held {
    explicit holder(Owner& owner) : value{owner} {}
    State value;
  };

  by_type<held> all_;
};

} // namespace tandem::server

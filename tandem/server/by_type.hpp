// SPDX-License-Identifier: Apache-2.0
// One object a type, found by the type: what modules keep for a script or a shard. For a handful of
// types: a list is quicker than a tree. One thread, or immutable.
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

} // namespace tandem::server

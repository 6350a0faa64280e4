// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/all.hpp>

#include <tandem/modules/maxfwd.hpp>
#include <tandem/modules/registrar/registrar.hpp>
#include <tandem/modules/rr/rr.hpp>
#include <tandem/modules/sl.hpp>
#include <tandem/modules/tm/tm.hpp>
#include <tandem/modules/usrloc.hpp>

#include <array>

namespace tandem::modules {

std::span<const server::module_entry> all() {
  static const std::array entries{sl(), tm(), rr(), maxfwd(), usrloc(), registrar()};
  return entries;
}

} // namespace tandem::modules

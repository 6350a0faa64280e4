// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/all.hpp>

#include <tandem/modules/auth/auth.hpp>
#include <tandem/modules/domain.hpp>
#include <tandem/modules/exec/exec.hpp>
#include <tandem/modules/http_route/http_route.hpp>
#include <tandem/modules/maxfwd.hpp>
#include <tandem/modules/registrar/registrar.hpp>
#include <tandem/modules/rr/rr.hpp>
#include <tandem/modules/sl.hpp>
#include <tandem/modules/stubs.hpp>
#include <tandem/modules/textops/textops.hpp>
#include <tandem/modules/tm/tm.hpp>
#include <tandem/modules/uri.hpp>
#include <tandem/modules/usrloc/usrloc.hpp>
#include <tandem/modules/xlog.hpp>

#include <vector>

namespace tandem::modules {

std::span<const server::module_entry> all() {
  static const std::vector<server::module_entry> entries = [] {
    std::vector<server::module_entry> made{
        sl(),    tm(),   rr(),        maxfwd(), usrloc(),  registrar(), textops(), xlog(),
        print(), exec(), exec_core(), auth(),   auth_db(), uri(),       domain(),  http_route()};
    for (server::module_entry& stub : stubs()) made.push_back(stub);
    return made;
  }();
  return entries;
}

} // namespace tandem::modules

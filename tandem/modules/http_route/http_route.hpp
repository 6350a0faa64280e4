// SPDX-License-Identifier: Apache-2.0
// Module http_route: an application behind an HTTP URL says where a request goes. It is told the
// request as JSON and answers with what to do; the script is suspended meanwhile.
// docs/http-route.md has both documents.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry http_route();

} // namespace tandem::modules

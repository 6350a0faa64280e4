// SPDX-License-Identifier: Apache-2.0
// All types of header values: what headers.def names in its column "value type".
#pragma once

#include <tandem/sip/auth.hpp>
#include <tandem/sip/date.hpp>
#include <tandem/sip/media_type.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/number.hpp>
#include <tandem/sip/token.hpp>
#include <tandem/sip/via.hpp>
#include <tandem/sip/warning.hpp>

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a URI, or as two on two lines: parsing, writing, comparing and editing agree.
#include <tandem/sip/escape.hpp>
#include <tandem/sip/uri_edit.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace tandem::sip;

void demand(bool what) {
  if (!what) std::abort();
}

std::string written(const uri& value) {
  sink measure;
  value.write(measure);
  std::string text(measure.size(), '\0');
  sink out{text};
  value.write(out);
  demand(out.is_safe());
  return text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view text = input.substr(0, end);

  const auto one = uri::parse(text);
  if (!one) {
    demand(one.error().offset <= text.size());
    return 0;
  }
  const std::string copy = written(*one);
  const auto again = uri::parse(copy);
  demand(again.has_value());
  demand(written(*again) == copy);
  demand(equivalent(*one, *again) && equivalent(*one, *one));

  const auto rebuilt = make_uri(uri_parts{*one});
  demand(rebuilt.has_value());
  demand(equivalent(*uri::parse(*rebuilt), *one));

  demand(unescape_uri(escape_uri(uri_part::user, text)) == text);
  const std::string params = with_uri_param(one->params(), text, text);
  if (one->is_sip() && !text.empty()) {
    uri_parts parts{*one};
    parts.params = params;
    const auto changed = make_uri(parts);
    demand(changed.has_value() || changed.error().code == parse_errc::too_many_parameters ||
           changed.error().code == parse_errc::too_large);
  }

  if (end < input.size()) {
    const auto other = uri::parse(input.substr(end + 1));
    if (other) demand(equivalent(*one, *other) == equivalent(*other, *one));
  }
  return 0;
}

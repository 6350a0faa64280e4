// SPDX-License-Identifier: Apache-2.0
// The answer of a name server to each question that a resolver asks: it is read or refused, within
// its bounds, and what was read are names that can be asked for.
#include <tandem/names/dns_answer.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace tandem::names;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}
bool is_name(const std::string& name) { return name.empty() || canonical_name(name) == name; }

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  for (const auto type : {record_type::a, record_type::aaaa, record_type::srv, record_type::naptr})
    for (const std::string_view name : {"example.com", "_sip._udp.example.com"}) {
      const auto found = read_answer(bytes, name, type);
      if (!found) continue;
      expect(found->records.addresses.size() <= most_records);
      expect(found->records.servers.size() <= most_records);
      expect(found->records.services.size() <= most_records);
      expect(found->records.empty() || found->ttl);
      for (const auto& r : found->records.servers) expect(is_name(r.target));
      for (const auto& r : found->records.services) expect(is_name(r.replacement));
    }
  return 0;
}

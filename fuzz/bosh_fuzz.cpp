// SPDX-License-Identifier: Apache-2.0
// Any answers of a server to a client of BOSH, one for each line of the input: it keeps no more
// than two requests with the server and one that is special, sends nothing that is not XML, and
// goes on or waits, but never spins.
#include <tandem/xmpp/client.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

using namespace tandem;
using namespace tandem::xmpp;

namespace {

/// Inputs say SID where the session's id stands, and RID.
void run(std::string_view input) {
  const auto of = std::make_shared<account>();
  of->address = *jid::parse("alice@xmpp.test");
  of->password = secret{"secret"};
  of->url = *http::url::parse("http://xmpp.test/");
  of->allows_plain_without_tls = true;
  std::uint64_t random = 1;
  client one{of, [&] { return ++random; }};
  instant now{seconds{1000}};
  one.show({.is_available = true}, now);
  std::vector<std::uint64_t> under_way;
  std::size_t posts = 0;
  while (!input.empty() && posts < 1000) {
    if (one.state() == client_state::queued) one.begin_login(now);
    const client_effects effects = one.take_effects();
    if (effects.gives_up) under_way.clear();
    for (const bosh_post& post : effects.posts) {
      if (!read_xml(post.body)) std::abort();
      if (std::ranges::find(under_way, post.rid) == under_way.end()) under_way.push_back(post.rid);
      ++posts;
    }
    if (under_way.size() > 6) std::abort();
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    now += milliseconds{50};
    if (under_way.empty()) {
      now = std::max(now, std::min(one.next_due(), now + seconds{400}));
      one.advance(now);
    } else {
      const std::uint64_t rid = under_way.back();
      under_way.pop_back();
      if (line.starts_with('!'))
        one.on_failed(rid, line.size() > 1, now);
      else if (line.starts_with('?'))
        one.on_answer(rid, line.size() > 1 ? static_cast<unsigned char>(line[1]) * 4U : 500U, "",
                      now);
      else
        one.on_answer(rid, 200, line, now);
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run({reinterpret_cast<const char*>(data), size});
  return 0;
}

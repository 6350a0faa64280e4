// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/locator.hpp>

#include <tandem/names/resolver.hpp>

#include <utility>

namespace tandem::transport {

namespace {

using names::address_family;
using names::record_type;
using names::resolve_error;
using stack::dns_failure;
using stack::dns_question;
using stack::dns_type;
using stack::server_location;

record_type type_of(dns_type wanted) noexcept {
  return wanted == dns_type::naptr ? record_type::naptr : record_type::srv;
}

dns_failure failure_of(resolve_error error) noexcept {
  return error == resolve_error::timed_out || error == resolve_error::busy ? dns_failure::unanswered
                                                                           : dns_failure::none;
}

server_location::answer answer_of(names::resolver::records&& found) {
  if (!found) return fail(failure_of(found.error()));
  return std::move(*found);
}

server_location::answer answer_of(const names::resolver::answer& found) {
  if (!found) return fail(failure_of(found.error()));
  return dns_records{.addresses = *found, .servers = {}, .services = {}};
}

} // namespace

struct locator::run {
  names::resolver& names;
  server_location search;
  found done;
  observer on_answer;
  std::size_t missing = 0; ///< answers of this step

  void take(std::size_t which, const dns_question& asked, server_location::answer&& answer) {
    if (on_answer) on_answer(asked, answer);
    search.take(which, std::move(answer));
    --missing;
  }
};

void locator::find(server_location&& search, found done, observer on_answer) {
  go_on(
      std::make_shared<run>(run{names_, std::move(search), std::move(done), std::move(on_answer)}));
}

void locator::go_on(const std::shared_ptr<run>& of) {
  for (;;) {
    const auto questions = of->search.questions();
    if (questions.empty()) return of->done(of->search);
    of->missing = questions.size();
    for (std::size_t i = 0; i < questions.size(); ++i) {
      // It views the search, which stays as it is until the last of these answers.
      const dns_question q = questions[i];
      const auto later = [of, q, i](auto&& answer) {
        of->take(i, q, answer_of(std::forward<decltype(answer)>(answer)));
        if (of->missing == 0) go_on(of);
      };
      if (q.type == dns_type::address) {
        if (const auto known = of->names.find(q.name, address_family::any))
          of->take(i, q, answer_of(*known));
        else
          of->names.resolve(q.name, address_family::any, later);
      } else {
        if (auto known = of->names.find(q.name, type_of(q.type)))
          of->take(i, q, answer_of(std::move(*known)));
        else
          of->names.look_up(q.name, type_of(q.type), later);
      }
    }
    if (of->missing != 0) return;
  }
}

} // namespace tandem::transport

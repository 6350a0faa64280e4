// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location_store.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/printable.hpp>
#include <tandem/base/text.hpp>
#include <tandem/storage/contact_row.hpp>
#include <tandem/storage/sql_schema.hpp>

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace tandem::storage {

namespace {

/// Addresses of record of one transaction.
constexpr std::size_t most_of_a_batch = 500;
/// That wait for a database which is away; beyond it the whole table is compared later.
constexpr std::size_t most_dirty = 500'000;
/// Requests that wait for their contact to be written.
constexpr std::size_t most_waiting = 20'000;
/// After a failure.
constexpr duration retry_pause = seconds{1};
/// Jobs about contacts stay in order, in all tables.
constexpr std::uint64_t location_key = 0;

/// This thread fills a table from the database: what changes by that is no news for it.
thread_local bool is_filling_a_table = false;

struct filling {
  filling() { is_filling_a_table = true; }
  filling(const filling&) = delete;
  filling& operator=(const filling&) = delete;
  ~filling() { is_filling_a_table = false; }
};

/// How a user is written in the columns of a row.
struct user_columns {
  std::string_view username, domain;
};

user_columns columns_of(std::string_view aor, bool has_domain) {
  const std::size_t at = has_domain ? aor.rfind('@') : std::string_view::npos;
  if (at == std::string_view::npos) return {aor, {}};
  return {aor.substr(0, at), aor.substr(at + 1)};
}

bool has_domains(key_form form) { return form.of_domain == key_form::domain::part; }

} // namespace

std::shared_ptr<location_store> location_store::make(sql_pool& database, const options& how,
                                                     std::function<key_form()> form,
                                                     observe::metrics& counted) {
  const std::shared_ptr<location_store> made{new location_store{database, how, std::move(form)}};
  made->self_ = made;
  counted.add_counter("tandem_location_written_total",
                      "Users whose contacts were written to the database.", {},
                      [made] { return static_cast<double>(made->written_); });
  counted.add_counter("tandem_location_refused_total",
                      "Users whose contacts the database did not take.", {},
                      [made] { return static_cast<double>(made->refused_); });
  counted.add_counter("tandem_location_transactions_total",
                      "Transactions that have written contacts.", {},
                      [made] { return static_cast<double>(made->transactions_); });
  counted.add_gauge("tandem_location_unwritten",
                    "Users whose contacts have changed and are not in the database yet.", {},
                    [made] {
                      const std::lock_guard lock{made->mutex_};
                      std::size_t sum = 0;
                      for (const auto& [name, one] : made->tables_) sum += one.dirty.size();
                      return static_cast<double>(sum);
                    });
  return made;
}

location_store::~location_store() = default;

bool location_store::is_reading_here() const noexcept { return is_filling_a_table; }

// --- reading

void location_store::add(location_table& table) {
  const std::string name{table.name()};
  {
    const std::lock_guard lock{mutex_};
    kept_table& one = tables_[name];
    if (one.table) return;
    one.table = &table;
    if (!is_sql_name(name)) {
      one.why = "its name cannot be one of a database's";
      log_error("location table {}: {}; nothing of it is stored", to_printable(name), one.why);
      return;
    }
    one.is_reading = true;
    one.read_since = tandem::now();
  }
  read_page(name);
}

void location_store::read_page(const std::string& name) {
  location_table* table = nullptr;
  row_position from;
  {
    const std::lock_guard lock{mutex_};
    kept_table& one = tables_[name];
    table = one.table;
    from = one.read_to;
  }
  const auto me = self_.lock();
  database_.ask<page>(
      {.key = location_key, .bytes = 256, .deadline = seconds{10}},
      [me, name, table, from](sql_connection& in) { return me->take_page(in, name, *table, from); },
      [me, name](result<page, sql_failure> got) { me->end_page(name, std::move(got)); });
}

/// On a thread of the pool.
location_store::page location_store::take_page(sql_connection& in, const std::string& name,
                                               location_table& table,
                                               const row_position& from) const {
  if (from.username.empty() && from.domain.empty()) make_contact_table(in, name);
  const key_form form = form_();
  const clock_pair clocks;
  contact_page rows;
  rows.read(in, name, from.username, from.domain);
  page made;
  made.rows = rows.size();
  std::string aor, last_outdated;
  const filling while_it_lasts;
  rows.for_each([&](std::string_view username, std::string_view domain, const contact_row& row) {
    aor.assign(username);
    if (has_domains(form)) aor.append(1, '@').append(domain);
    if (form.of_case == key_form::user_case::ignored)
      std::ranges::transform(aor, aor.begin(), [](char c) { return to_lower(c); });
    bool is_taken = false;
    if (const auto b = row.to_binding(clocks); b && b->is_live(clocks.steady)) {
      const auto done = table.update(
          aor, clocks.steady, [&](std::span<const sip::binding> there, sip::binding_edits& edits) {
            is_taken = std::ranges::any_of(
                there, [&](const sip::binding& other) { return other.contact == b->contact; });
            if (is_taken) return false; // it has registered meanwhile
            edits.push_back({std::nullopt, &*b});
            return true;
          });
      is_taken |= done.has_value();
    }
    // What has expired while nobody looked, or is no contact, leaves the database, too.
    if (!is_taken && last_outdated != aor) {
      made.outdated.push_back(aor);
      last_outdated = aor;
    }
  });
  if (rows.has_more()) made.next = row_position{rows.last_username(), rows.last_domain()};
  return made;
}

void location_store::end_page(const std::string& name, result<page, sql_failure> got) {
  bool is_more = false;
  std::vector<waiter> refused;
  {
    const std::lock_guard lock{mutex_};
    kept_table& one = tables_[name];
    one.is_reading = false;
    if (!got) {
      for (auto& [aor, all] : one.waiting) std::ranges::move(all, std::back_inserter(refused));
      one.waiting.clear();
      waiting_ -= refused.size();
      one.why = got.error().why;
      log_error("location table {}: cannot be read from {}: {}", name, database_.shown(), one.why);
    } else {
      const std::uint64_t before = one.rows;
      one.rows += got->rows;
      for (const std::string& aor : got->outdated) mark(one, aor);
      constexpr std::uint64_t told_each = 100'000;
      if (got->next && one.rows / told_each != before / told_each)
        log_notice("location table {}: {} contacts read so far", name, one.rows);
      if (got->next) {
        one.read_to = std::move(*got->next);
        one.is_reading = is_more = true;
      } else {
        one.is_read = true;
        one.why.clear();
        log_notice("location table {}: {} contacts read from {} in {} ms", name, one.rows,
                   database_.shown(), (tandem::now() - one.read_since) / milliseconds{1});
      }
    }
    changed_.notify_all();
  }
  for (const waiter& each : refused) each(false);
  if (is_more)
    read_page(name);
  else
    go_on();
}

/// Under the mutex: who waits for the table is going to be told no.
void location_store::take_waiting(kept_table& of, std::vector<waiter>& to) {
  for (auto& [aor, all] : of.waiting) {
    waiting_ -= all.size();
    std::ranges::move(all, std::back_inserter(to));
  }
  of.waiting.clear();
}

std::string location_store::wait_until_read(duration at_most) {
  std::unique_lock lock{mutex_};
  const auto is_over = [this] {
    return std::ranges::none_of(tables_, [](const auto& each) { return each.second.is_reading; });
  };
  if (!changed_.wait_until(lock, tandem::now() + at_most, is_over)) return "it takes too long";
  for (const auto& [name, one] : tables_)
    if (!one.why.empty()) return fmt::format("location table {}: {}", name, one.why);
  return {};
}

// --- what has changed

void location_store::mark(kept_table& of, std::string_view aor) {
  if (how_.when == write_when::never) return;
  if (of.dirty.size() < most_dirty) {
    of.dirty.emplace(aor);
    return;
  }
  of.comparing = walk::memory;
  of.memory_to = {};
}

void location_store::on_changes(std::string_view table, const change_set& changes,
                                instant) noexcept {
  const std::lock_guard lock{mutex_};
  const auto of = tables_.find(table);
  if (of == tables_.end()) return;
  try {
    changes.for_each([&](const binding_change& c) { mark(of->second, c.aor); });
  } catch (const std::exception&) { // no memory to note it: everything is looked at later
    of->second.comparing = walk::memory;
    of->second.memory_to = {};
  }
  // Who waits for this asks for it (when_stored); all else is written within a second.
}

void location_store::on_lost(std::string_view table, std::uint64_t) noexcept {
  const std::lock_guard lock{mutex_};
  const auto of = tables_.find(table);
  if (of == tables_.end()) return;
  of->second.comparing = walk::memory;
  of->second.memory_to = {};
}

void location_store::when_stored(const location_table& table, std::string_view aor, waiter done) {
  bool is_kept = false;
  {
    const std::lock_guard lock{mutex_};
    const auto of = tables_.find(table.name());
    if (of != tables_.end() && of->second.why.empty() && how_.when == write_when::at_once &&
        waiting_ < most_waiting && tandem::now() >= next_try_) {
      of->second.waiting[std::string{aor}].push_back(std::move(done));
      ++waiting_;
      is_kept = true;
    }
    // The contact is in memory, and goes to the database when it is back.
    if (of != tables_.end()) mark(of->second, aor);
  }
  if (!is_kept) return done(false);
  go_on();
}

// --- writing

bool location_store::is_clean() const {
  return !is_writing_ && std::ranges::all_of(tables_, [](const auto& each) {
    return each.second.dirty.empty() && each.second.comparing == walk::none;
  });
}

/// Under the mutex: what one transaction shall write; null when there is nothing to do now.
std::shared_ptr<location_store::batch> location_store::next_batch() {
  if (is_writing_ || how_.when == write_when::never || tandem::now() < next_try_) return nullptr;
  if (how_.when == write_when::by_timer && !is_flushing_) return nullptr;
  for (auto& [name, one] : tables_) {
    if (!one.is_read || (one.dirty.empty() && one.comparing == walk::none)) continue;
    auto made = std::make_shared<batch>();
    made->name = name;
    made->table = one.table;
    made->has_domains = has_domains(form_());
    if (one.dirty.empty() && one.comparing == walk::memory) {
      const auto next = one.table->for_page(
          one.memory_to, most_of_a_batch, tandem::now(),
          [&dirty = one.dirty](std::string_view aor, std::span<const sip::binding>) {
            dirty.emplace(aor);
          });
      one.memory_to = next.value_or(location_table::position{});
      if (!next) one.comparing = walk::rows, one.rows_to = {};
    }
    if (one.dirty.empty()) {
      made->comparing = walk::rows;
      made->rows_from = one.rows_to;
      return made;
    }
    made->aors.reserve(std::min(one.dirty.size(), most_of_a_batch));
    made->waiting.reserve(made->aors.capacity());
    while (!one.dirty.empty() && made->aors.size() < most_of_a_batch) {
      made->aors.push_back(std::move(one.dirty.extract(one.dirty.begin()).value()));
      auto waits = one.waiting.extract(made->aors.back());
      made->waiting.push_back(waits ? std::move(waits.mapped()) : std::vector<waiter>{});
    }
    return made;
  }
  return nullptr;
}

/// Writes if there is something to write, and tells who waits for the end of it.
void location_store::go_on() {
  std::shared_ptr<batch> next;
  decltype(flush_waiters_) told;
  std::size_t flushed = 0;
  {
    const std::lock_guard lock{mutex_};
    next = next_batch();
    if (next) is_writing_ = true;
    if (!next && is_flushing_ && is_clean()) {
      is_flushing_ = false;
      last_failure_.clear();
      told.swap(flush_waiters_);
      flushed = std::exchange(flushed_, 0);
      changed_.notify_all();
    }
  }
  for (const auto& each : told) each(flushed);
  if (next) submit(next);
}

void location_store::submit(const std::shared_ptr<batch>& next) {
  std::size_t bytes = sizeof *next;
  for (const std::string& aor : next->aors) bytes += aor.size();
  const auto me = self_.lock();
  database_.ask<written>(
      {.key = location_key, .bytes = bytes, .deadline = how_.deadline},
      [next](sql_connection& in) { return write(in, *next); },
      [me, next](result<written, sql_failure> got) { me->end_batch(*next, std::move(got)); });
}

/// On a thread of the pool.
void location_store::write_one(sql_connection& in, const batch& what, std::string_view aor) {
  const clock_pair clocks;
  std::vector<contact_row> rows;
  (void)what.table->lookup(aor, clocks.steady, [&](std::span<const sip::binding> live) {
    rows.reserve(live.size());
    for (const sip::binding& b : live) rows.emplace_back(b, clocks);
  });
  const auto [username, domain] = columns_of(aor, what.has_domains);
  erase_contact_rows(in, what.name, username,
                     what.has_domains ? std::optional{domain} : std::nullopt);
  for (const contact_row& row : rows) row.insert(in, what.name, username, domain);
}

location_store::written location_store::write(sql_connection& in, const batch& what) {
  written made;
  made.refused.resize(what.aors.size());
  if (what.comparing == walk::rows) {
    compare_rows(in, what, made);
    return made;
  }
  try {
    sql_transaction all{in};
    for (const std::string& aor : what.aors) write_one(in, what, aor);
    all.commit();
    return made;
  } catch (const sql_error& error) {
    if (error.what_kind() == sql_error::kind::unavailable) throw;
  }
  // There is one among them that the database does not take: the others must not suffer.
  for (std::size_t i = 0; i < what.aors.size(); ++i) try {
      sql_transaction one{in};
      write_one(in, what, what.aors[i]);
      one.commit();
    } catch (const sql_error& error) {
      if (error.what_kind() == sql_error::kind::unavailable) throw;
      made.refused[i] = true;
      log_error("location table {}: the database does not take the contacts of {}: {}", what.name,
                to_printable(what.aors[i].substr(0, 128)), error.what());
    }
  return made;
}

/// Drops the rows of a page of users who have no contact in memory.
void location_store::compare_rows(sql_connection& in, const batch& what, written& made) {
  contact_page rows;
  rows.read(in, what.name, what.rows_from.username, what.rows_from.domain);
  const instant now = tandem::now();
  std::string aor, last;
  sql_transaction all{in};
  rows.for_each([&](std::string_view username, std::string_view domain, const contact_row&) {
    aor.assign(username);
    if (what.has_domains) aor.append(1, '@').append(domain);
    if (std::exchange(last, aor) == aor) return;
    if (what.table->lookup(aor, now, [](std::span<const sip::binding>) {})) return;
    erase_contact_rows(in, what.name, username, domain);
    ++made.rows_gone;
  });
  all.commit();
  if (rows.has_more()) made.next = row_position{rows.last_username(), rows.last_domain()};
}

void location_store::end_batch(const batch& what, result<written, sql_failure> got) {
  decltype(flush_waiters_) told;
  std::vector<waiter> refused;
  {
    const std::lock_guard lock{mutex_};
    is_writing_ = false;
    kept_table& of = tables_[what.name];
    for (const auto& waits : what.waiting) waiting_ -= waits.size();
    if (got) {
      ++transactions_;
      for (const bool is_refused : got->refused) ++(is_refused ? refused_ : written_);
      flushed_ += what.aors.size();
      if (what.comparing == walk::rows && of.comparing == walk::rows) {
        if (got->next)
          of.rows_to = std::move(*got->next);
        else
          of.comparing = walk::none;
      }
    } else {
      for (const std::string& aor : what.aors) mark(of, aor);
      next_try_ = tandem::now() + retry_pause;
      last_failure_ = got.error().why;
      for (auto& [name, each] : tables_) take_waiting(each, refused); // not for another second
      if (is_flushing_) {
        is_flushing_ = how_.when == write_when::by_timer; // the timer's goes on
        told.swap(flush_waiters_);
        flushed_ = 0;
      }
      changed_.notify_all();
    }
  }
  for (std::size_t i = 0; i < what.waiting.size(); ++i)
    for (const waiter& each : what.waiting[i]) each(got && !got->refused[i]);
  for (const waiter& each : refused) each(false);
  for (const auto& each : told) each(fail(got.error().why));
  go_on();
}

void location_store::flush(std::function<void(result<std::size_t, std::string>)> done) {
  {
    const std::lock_guard lock{mutex_};
    if (how_.when != write_when::never) {
      is_flushing_ = true;
      flush_waiters_.push_back(std::move(done));
    }
  }
  if (how_.when == write_when::never) return done(std::size_t{0});
  go_on();
}

std::string location_store::write_rest(duration at_most) {
  if (how_.when == write_when::never) return {};
  std::size_t left = 0;
  {
    const std::lock_guard lock{mutex_};
    is_flushing_ = true;
    next_try_ = {};
    last_failure_.clear();
  }
  go_on();
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, tandem::now() + at_most,
                      [this] { return is_clean() || !last_failure_.empty(); });
  if (is_clean()) return {};
  for (const auto& [name, one] : tables_) left += one.dirty.size();
  return fmt::format("the contacts of {} users could not be written{}{}", left,
                     last_failure_.empty() ? "" : ": ", last_failure_);
}

void location_store::tick(instant now) {
  std::vector<std::string> to_read;
  {
    const std::lock_guard lock{mutex_};
    if (now >= next_flush_) {
      if (next_flush_ != instant{} && how_.when == write_when::by_timer && !is_clean())
        is_flushing_ = true;
      next_flush_ = now + how_.interval;
    }
    for (auto& [name, one] : tables_)
      if (!one.is_read && !one.is_reading && is_sql_name(name)) {
        one.is_reading = true;
        to_read.push_back(name);
      }
  }
  for (const std::string& name : to_read) read_page(name);
  go_on();
}

} // namespace tandem::storage

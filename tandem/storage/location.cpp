// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location.hpp>

#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>

namespace tandem::storage {

/// A share of the table: the records whose address hashes here, and the timers of their contacts.
struct stripe {
  struct hasher {
    hash_key key;
    std::size_t operator()(std::string_view aor) const noexcept { return keyed_hash(key, aor); }
  };
  struct delete_record {
    void operator()(record* r) const noexcept;
  };
  using record_owner = std::unique_ptr<record, delete_record>;

  stripe(const hash_key& key, instant now) : wheel{now}, records{0, hasher{key}} {}

  std::mutex mutex;
  timer_wheel wheel; ///< outlives the records, whose contacts stand in it
  boost::unordered_flat_map<std::string_view, record_owner, hasher>
      records; ///< keys view the records
  std::atomic<std::size_t> bindings{0};
};

void stripe::delete_record::operator()(record* r) const noexcept { delete r; }

namespace {

constexpr std::size_t stripe_count = 64;

std::array<std::string_view, 4> texts_of(const binding_data& data) {
  // A REGISTER is one datagram at most, so every text of it is shorter than 64 KiB in sum.
  return {data.contact, data.path, data.call_id, data.user_agent};
}

} // namespace

// ---- binding

std::string_view binding::part(std::size_t index) const noexcept {
  const char* texts = reinterpret_cast<const char*>(this + 1);
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return {texts + begin, ends_[index] - begin};
}

binding::owner binding::make(const binding_data& data, record& of) {
  std::size_t size = 0;
  std::array<std::string_view, parts> texts = texts_of(data);
  for (std::string_view& text : texts) {
    // Never reached by what registrar lets in; cut rather than overflow the 16-bit ends.
    text = text.substr(0, std::numeric_limits<std::uint16_t>::max() - size);
    size += text.size();
  }
  void* memory = ::operator new(sizeof(binding) + size);
  owner made{new (memory) binding};
  char* out = reinterpret_cast<char*>(made.get() + 1);
  std::size_t end = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    if (!texts[i].empty()) std::memcpy(out + end, texts[i].data(), texts[i].size());
    end += texts[i].size();
    made->ends_[i] = static_cast<std::uint16_t>(end);
  }
  made->record_ = &of;
  made->cseq_ = data.cseq;
  made->q_ = data.q;
  made->flags_ = data.flags;
  made->transport_ = data.transport;
  made->expires_ = data.expires;
  made->modified_ = data.modified;
  made->received_ = data.received;
  made->flow_ = data.flow;
  return made;
}

void binding::destroy(binding* b) noexcept {
  if (!b) return;
  b->~binding();
  ::operator delete(b);
}

void binding::on_timer(instant) {
  record& of = *record_;
  stripe& in = of.stripe_;
  of.remove(*this); // destroys this
  if (of.size() == 0) in.records.erase(of.aor());
}

// ---- record

void record::put(const binding_data& data, const binding* old) {
  binding::owner made = binding::make(data, *this);
  binding* const added = made.get();
  binding::owner* link = &first_;
  while (*link && link->get() != old) link = &(*link)->next_;
  if (*link) {
    made->next_ = std::move((*link)->next_);
  } else {
    ++size_;
    stripe_.bindings.fetch_add(1, std::memory_order_relaxed);
  }
  *link = std::move(made);
  if (data.expires != instant::max()) stripe_.wheel.arm(*added, data.expires);
}

void record::remove(const binding& which) noexcept {
  for (binding::owner* link = &first_; *link; link = &(*link)->next_) {
    if (link->get() != &which) continue;
    binding::owner gone = std::move(*link);
    *link = std::move(gone->next_);
    --size_;
    stripe_.bindings.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
}

void record::clear() noexcept {
  stripe_.bindings.fetch_sub(size_, std::memory_order_relaxed);
  size_ = 0;
  while (first_) first_ = std::move(first_->next_); // one by one: a long list must not recurse
}

// ---- location_table

location_table::location_table(std::string_view name, limits bounds, instant now)
    : name_{name}, limits_{bounds}, key_{hash_key::random()} {
  for (std::size_t i = 0; i < stripe_count; ++i)
    stripes_.push_back(std::make_unique<stripe>(key_, now));
}

location_table::~location_table() = default;

stripe& location_table::stripe_of(std::string_view aor) const noexcept {
  // The low bits choose the place within the stripe's own table.
  return *stripes_[keyed_hash(key_, aor) >> 48 & (stripe_count - 1)];
}

location_table::locked_record location_table::open(std::string_view aor) {
  stripe& in = stripe_of(aor);
  std::unique_lock lock{in.mutex};
  auto it = in.records.find(aor);
  if (it == in.records.end()) {
    stripe::record_owner made{new record{in, aor}};
    const std::string_view key = made->aor();
    it = in.records.emplace(key, std::move(made)).first;
  }
  return {&in, it->second.get(), std::move(lock)};
}

location_table::locked_record location_table::open_existing(std::string_view aor) const {
  stripe& in = stripe_of(aor);
  std::unique_lock lock{in.mutex};
  const auto it = in.records.find(aor);
  return {&in, it == in.records.end() ? nullptr : it->second.get(), std::move(lock)};
}

void location_table::close(locked_record& held) noexcept {
  if (held.found->size() == 0) held.in->records.erase(held.found->aor());
}

void location_table::for_each(const std::function<void(const record&)>& f) const {
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    for (const auto& entry : s->records) f(*entry.second);
  }
}

bool location_table::has_room(const record& of, std::size_t more) const noexcept {
  return of.size() + more <= limits_.per_record && bindings() + more <= limits_.bindings;
}

std::size_t location_table::expire(instant now) {
  std::size_t dropped = 0;
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    const std::size_t before = s->bindings.load(std::memory_order_relaxed);
    s->wheel.advance(now);
    dropped += before - s->bindings.load(std::memory_order_relaxed);
  }
  return dropped;
}

std::size_t location_table::bindings() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : stripes_) sum += s->bindings.load(std::memory_order_relaxed);
  return sum;
}

std::size_t location_table::records() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    sum += s->records.size();
  }
  return sum;
}

} // namespace tandem::storage

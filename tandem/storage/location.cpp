// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>

namespace tandem::storage {

/// A share of the table: the records whose address hashes here, and the timers of their contacts.
struct stripe {
  struct delete_record {
    void operator()(record* r) const noexcept;
  };
  using record_owner = std::unique_ptr<record, delete_record>;

  /// An address that is looked for; its hash was taken once, to find the stripe.
  struct wanted {
    std::string_view aor;
    std::uint64_t hash;
  };
  struct hasher {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const record_owner& r) const noexcept { return r->hash_; }
    std::size_t operator()(const wanted& w) const noexcept { return w.hash; }
  };
  struct equal {
    using is_transparent = void;
    bool operator()(const record_owner& a, const record_owner& b) const noexcept { return a == b; }
    bool operator()(const wanted& w, const record_owner& r) const noexcept {
      return w.hash == r->hash_ && w.aor == r->aor_;
    }
    bool operator()(const record_owner& r, const wanted& w) const noexcept { return (*this)(w, r); }
  };

  explicit stripe(instant now) : wheel{now} {}
  void erase(const record& empty) noexcept {
    records.erase(records.find(wanted{empty.aor_, empty.hash_}));
  }

  std::mutex mutex;
  timer_wheel wheel; ///< outlives the records, whose contacts stand in it
  boost::unordered_flat_set<record_owner, hasher, equal> records;
  std::atomic<std::size_t> bindings{0};
  std::atomic<std::size_t> bytes{0}; ///< of all bindings
};

void stripe::delete_record::operator()(record* r) const noexcept { delete r; }

namespace {

constexpr std::size_t stripe_count = 64;

/// The texts in the order in which they are kept, and what they take.
struct kept_texts {
  std::array<std::string_view, 5> all;
  std::size_t size = 0;

  explicit kept_texts(const binding_data& data)
      : all{data.contact, data.path, data.call_id, data.user_agent, data.params} {
    // A REGISTER is one datagram at most, so every text of it is shorter than 64 KiB in sum. Never
    // reached by what registrar lets in; cut rather than overflow the 16-bit ends.
    for (std::string_view& text : all) {
      text = text.substr(0, std::numeric_limits<std::uint16_t>::max() - size);
      size += text.size();
    }
  }
};

} // namespace

// ---- binding

std::string_view binding::part(std::size_t index) const noexcept {
  const char* texts = reinterpret_cast<const char*>(this + 1);
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return {texts + begin, ends_[index] - begin};
}

std::size_t binding::bytes() const noexcept { return sizeof(binding) + ends_[parts - 1]; }

std::size_t location_table::bytes_of(const binding_data& data) noexcept {
  return sizeof(binding) + kept_texts{data}.size;
}

binding::owner binding::make(const binding_data& data, record& of) {
  void* memory = ::operator new (sizeof(binding) + kept_texts{data}.size);
  owner made{new (memory) binding};
  made->record_ = &of;
  made->assign(data);
  return made;
}

/// The texts must fit behind the object.
void binding::assign(const binding_data& data) noexcept {
  const kept_texts texts{data};
  char* const out = reinterpret_cast<char*>(this + 1);
  std::size_t end = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    if (!texts.all[i].empty()) std::memcpy(out + end, texts.all[i].data(), texts.all[i].size());
    end += texts.all[i].size();
    ends_[i] = static_cast<std::uint16_t>(end);
  }
  cseq_ = data.cseq;
  q_ = data.q;
  flags_ = data.flags;
  transport_ = data.transport;
  expires_ = data.expires;
  modified_ = data.modified;
  received_ = data.received;
  flow_ = data.flow;
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
  if (of.size() == 0) in.erase(of);
}

// ---- record

void record::put(const binding_data& data, const binding* old) {
  binding::owner* link = &first_;
  while (*link && link->get() != old) link = &(*link)->next_;
  const std::size_t before = *link ? (*link)->bytes() : 0;
  if (*link && kept_texts{data}.size <= (*link)->ends_[binding::parts - 1]) {
    (*link)->assign(data);
  } else {
    binding::owner made = binding::make(data, *this);
    if (*link) {
      made->next_ = std::move((*link)->next_);
    } else {
      ++size_;
      stripe_.bindings.fetch_add(1, std::memory_order_relaxed);
    }
    *link = std::move(made);
  }
  const std::size_t after = (*link)->bytes();
  bytes_ += static_cast<std::uint32_t>(after - before);
  stripe_.bytes.fetch_add(after - before, std::memory_order_relaxed);
  if (data.expires != instant::max())
    stripe_.wheel.arm(**link, data.expires);
  else
    (*link)->cancel();
}

void record::remove(const binding& which) noexcept {
  for (binding::owner* link = &first_; *link; link = &(*link)->next_) {
    if (link->get() != &which) continue;
    binding::owner gone = std::move(*link);
    *link = std::move(gone->next_);
    --size_;
    bytes_ -= static_cast<std::uint32_t>(gone->bytes());
    stripe_.bindings.fetch_sub(1, std::memory_order_relaxed);
    stripe_.bytes.fetch_sub(gone->bytes(), std::memory_order_relaxed);
    return;
  }
}

void record::clear() noexcept {
  stripe_.bindings.fetch_sub(size_, std::memory_order_relaxed);
  stripe_.bytes.fetch_sub(bytes_, std::memory_order_relaxed);
  size_ = 0;
  bytes_ = 0;
  while (first_) first_ = std::move(first_->next_); // one by one: a long list must not recurse
}

// ---- location_table

location_table::location_table(std::string_view name, limits bounds, instant now)
    : name_{name}, limits_{bounds}, key_{hash_key::random()} {
  for (std::size_t i = 0; i < stripe_count; ++i) stripes_.push_back(std::make_unique<stripe>(now));
}

location_table::~location_table() = default;

stripe& location_table::stripe_of(std::uint64_t hash) const noexcept {
  // The ends of the hash choose the place within the stripe's own table.
  return *stripes_[hash >> 24 & (stripe_count - 1)];
}

location_table::locked_record location_table::open(std::string_view aor) {
  const std::uint64_t hash = keyed_hash(key_, aor);
  stripe& in = stripe_of(hash);
  std::unique_lock lock{in.mutex};
  auto it = in.records.find(stripe::wanted{aor, hash});
  if (it == in.records.end())
    it = in.records.insert(stripe::record_owner{new record{in, aor, hash}}).first;
  return {&in, it->get(), std::move(lock)};
}

location_table::locked_record location_table::open_existing(std::string_view aor) const {
  const std::uint64_t hash = keyed_hash(key_, aor);
  stripe& in = stripe_of(hash);
  std::unique_lock lock{in.mutex};
  const auto it = in.records.find(stripe::wanted{aor, hash});
  return {&in, it == in.records.end() ? nullptr : it->get(), std::move(lock)};
}

void location_table::close(locked_record& held) noexcept {
  if (held.found->size() == 0) held.in->erase(*held.found);
}

void location_table::for_each(const std::function<void(const record&)>& f) const {
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    for (const auto& one : s->records) f(*one);
  }
}

std::optional<location_table::position>
location_table::for_page(position from, std::size_t most,
                         const std::function<void(const record&)>& f) const {
  std::size_t left = std::max<std::size_t>(most, 1);
  std::vector<const record*> found;
  for (; from.stripe < stripes_.size(); from = {from.stripe + 1, 0}) {
    const std::lock_guard lock{stripes_[from.stripe]->mutex};
    found.clear();
    for (const auto& one : stripes_[from.stripe]->records)
      if (one->hash_ >= from.hash) found.push_back(&*one);
    std::ranges::sort(found, {}, &record::hash_);
    for (const record* one : found) {
      // Those of one hash stay together, so that none of them is left between two pages.
      if (left == 0 && one->hash_ != from.hash) return position{from.stripe, one->hash_};
      from.hash = one->hash_;
      f(*one);
      if (left > 0) --left;
    }
    if (left == 0) {
      if (from.stripe + 1 == stripes_.size()) return std::nullopt;
      return position{from.stripe + 1, 0};
    }
  }
  return std::nullopt;
}

bool location_table::has_room(const record& of, std::size_t more,
                              std::size_t more_bytes) const noexcept {
  return of.size() + more <= limits_.per_record &&
         of.bytes() + more_bytes <= limits_.bytes_per_record &&
         bindings() + more <= limits_.bindings && bytes() + more_bytes <= limits_.bytes;
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

std::size_t location_table::bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : stripes_) sum += s->bytes.load(std::memory_order_relaxed);
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

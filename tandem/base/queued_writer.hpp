// SPDX-License-Identifier: Apache-2.0
// Output that may block, written by a thread of its own: the log, standard output, traces and
// statistics all go this way, so that no shard ever waits for a pipe, a terminal or a disk.
//
//   queued_writer trace{std::make_unique<my_sink>()};
//   trace.put(line);            // any thread; a copy into memory, nothing else
#pragma once

#include <tandem/base/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace tandem {

/// Where the thread of a queued_writer puts the records. Called on that thread alone, one call at a
/// time. It may block for as long as it likes. When it throws, as without memory, the record counts
/// as not written, and what it was to tell is told later.
class record_sink {
 public:
  record_sink() = default;
  record_sink(const record_sink&) = delete;
  record_sink& operator=(const record_sink&) = delete;
  virtual ~record_sink() = default;

  /// Writes one record. \return false when it could not be written; it counts as lost.
  virtual bool write(std::string_view record) = 0;
  /// At this place in the order of records so many are missing, since the queue was full or they
  /// could not be written. Called once writing works again.
  virtual void tell_lost(std::uint64_t records) = 0;
};

/// A bounded queue of records and the thread that empties it into a sink. The thread starts with
/// the first record and takes no signals.
class queued_writer {
 public:
  static constexpr std::size_t usual_capacity = 1 << 20;
  /// How long the destructor waits for a sink that stands still.
  static constexpr duration usual_patience = seconds{1};

  /// \param capacity bytes that may wait; what comes beyond is lost, counted and told to the sink.
  /// Twice as much is reserved now, and used only as far as something waits.
  explicit queued_writer(std::unique_ptr<record_sink> sink, std::size_t capacity = usual_capacity,
                         duration patience = usual_patience);
  queued_writer(const queued_writer&) = delete;
  queued_writer& operator=(const queued_writer&) = delete;
  /// Writes what waits, but gives up on a sink that does not move within `patience`: its
  /// thread then stays behind with the sink, and ends with the process.
  ~queued_writer();

  /// Queues a copy of the record; its order among the records of one thread stays. Never waits for
  /// the sink; without room, or a thread to write it, the record is lost. Any thread.
  void put(std::string_view record) noexcept;

  /// Waits until all that was put before has been written. \return false when `limit` has passed
  /// first. Any thread but the writer's.
  bool flush(duration limit);

  /// Records that found no room since the start. Any thread.
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct state;
  duration patience_;
  std::shared_ptr<state> state_; ///< shared with the thread, which may outlive this
};

} // namespace tandem

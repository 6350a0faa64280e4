// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/startup_memory.hpp>

#include <cstdint>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tandem::io {

namespace {

/// Drops the mapped pages of an object's segments that were never writable: position-independent
/// code is relocated in its writable segments only, so that these are still as they are in the
/// file. Code stays, since a debugger may have put its breakpoints there.
int drop_read_only_data(dl_phdr_info* object, std::size_t, void*) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || segment.p_flags != PF_R) continue;
    const std::uintptr_t at = object->dlpi_addr + segment.p_vaddr;
    const std::uintptr_t begin = at / page * page;
    const std::uintptr_t end = (at + segment.p_filesz) / page * page; // the last may be shared
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

} // namespace

void give_back_startup_memory() noexcept {
  ::dl_iterate_phdr(drop_read_only_data, nullptr);
  ::malloc_trim(0);
}

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// Figures of this process, under the names that Prometheus' own client libraries give them.
#include <tandem/observe/metrics.hpp>

#include <chrono>
#include <dirent.h>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace tandem::observe {

namespace {

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double all = 0;
  double resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  double count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] == '.' ? 0 : 1;
  ::closedir(folder);
  return count - 1; // the folder itself
}

double most_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

} // namespace

void add_process_metrics(metrics& to) {
  to.add_gauge("tandem_build_info", "Always 1; the labels say what runs.",
               {{"version", TANDEM_VERSION}}, [] { return 1.0; });
  to.add_counter("process_cpu_seconds_total", "User and system CPU time of the process.", {},
                 cpu_seconds);
  to.add_gauge("process_resident_memory_bytes", "Resident memory of the process.", {},
               resident_bytes);
  to.add_gauge("process_open_fds", "Open file descriptors.", {}, open_descriptors);
  to.add_gauge("process_max_fds", "How many file descriptors may be open.", {}, most_descriptors);
  const double started =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  to.add_gauge("process_start_time_seconds", "Start of the process, Unix time.", {},
               [started] { return started; });
}

} // namespace tandem::observe

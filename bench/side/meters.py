# SPDX-License-Identifier: Apache-2.0
"""What a server costs: CPU seconds and memory over all its processes, read from /proc."""
import pathlib


def cpu_seconds(pids):
    """User and system time of the processes and all their threads, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue  # the thread ended
    return total / 1e9


def waited_children_seconds(pids):
    """CPU time of the children that these processes have waited for."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[13]) + int(fields[14])
    return ticks / 100


def memory_kilobytes(pids):
    """Proportional share of resident memory: pages shared by several processes count once."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total

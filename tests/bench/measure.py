"""Runs one command and says what it took. Run as a script, with the command as arguments; stderr is the command's.

Linux counts as a peak of a child what its parent held when it began, and a bench may hold half a gigabyte.
"""

import json
import os
import subprocess
import sys
import time

if __name__ == "__main__":
    started = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    took = {"seconds": seconds, "peak_mb": usage.ru_maxrss / 1024, "cpu_s": usage.ru_utime + usage.ru_stime}
    sys.stdout.write(json.dumps(took))
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)

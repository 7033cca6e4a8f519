#!/usr/bin/env python3
"""Runs a command on a terminal of its own and holds its peak of memory against a limit: peak_memory.py BYTES COMMAND...

Says whether the terminal saw shares of work done. Exits with the command's code, or 1 if it took more than BYTES."""
import os
import pty
import re
import resource
import sys

limit = int(sys.argv[1])
text = b""


def read(descriptor):
    global text
    data = os.read(descriptor, 4096)
    text += data
    return data


sys.stdout.flush()
status = os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], read))
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(f"\n{peak} bytes at most, {limit} allowed", flush=True)
if re.search(rb"\b[1-9][0-9]? %", text):
    print("a terminal sees progress")
sys.exit(status or (1 if peak > limit else 0))

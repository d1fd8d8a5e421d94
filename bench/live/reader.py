"""Reads the pictures of producer.py: reader.py WATCH... starts WATCH and reads its standard output.

Prints a line for each picture: number, and when it was due, began to be written and was read whole,
in microseconds of time.monotonic().
"""

import subprocess
import sys
import time

SIZE = 640 * 480 * 3

watch = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, bufsize=0)
picture = bytearray(SIZE)
lines = []
while True:
    rest = memoryview(picture)
    while rest:
        count = watch.stdout.readinto(rest)
        if not count:
            break
        rest = rest[count:]
    if rest:
        break
    now = time.monotonic() * 1e6
    if picture[:8].isdigit():
        lines.append(b"%d %d %d %d" % (int(picture[:8]), int(picture[8:24]), int(picture[24:40]), now))
sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
sys.exit(watch.wait())

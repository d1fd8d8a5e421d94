"""A camera as people write them: raw pictures of 640x480, written with blocking writes.

producer.py FRAMES FPS STALL_EVERY STALL_SECONDS PUBLISH...: starts PUBLISH and writes FRAMES pictures
to its standard input. The first bytes of each hold its number, when it was due and when it began to
be written, in microseconds of time.monotonic(), whose clock reader.py shares. Every STALL_EVERY
frames it does nothing for STALL_SECONDS, and then writes what is overdue at once.
"""

import subprocess
import sys
import time

frames, every = int(sys.argv[1]), int(sys.argv[3])
fps, stall = float(sys.argv[2]), float(sys.argv[4])
picture = bytearray(640 * 480 * 3)
for pixel in range(0, len(picture), 3):
    picture[pixel] = pixel // 1920 % 256

publish = subprocess.Popen(sys.argv[5:], stdin=subprocess.PIPE, bufsize=0)
# Until it reads, as a camera that is switched on once all is there.
publish.stdin.write(picture)
start = time.monotonic() + 1
for number in range(frames):
    due = start + number / fps
    if number % every == every - 1:
        time.sleep(max(0, due + stall - time.monotonic()))
    time.sleep(max(0, due - time.monotonic()))
    stamp = b"%08d%016d%016d" % (number + 1, due * 1e6, time.monotonic() * 1e6)
    picture[: len(stamp)] = stamp
    rest = memoryview(picture)
    while rest:
        rest = rest[publish.stdin.write(rest) :]
publish.stdin.close()
sys.exit(publish.wait())

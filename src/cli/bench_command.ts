/**
 * What `stream bench` is called with, and says of itself.
 *
 * @module
 */
import { STAMP_BYTES } from "../bench/stamp.ts";
import { PASS_FLAGS } from "./pass_flags.ts";
import { command, toggle } from "./command.ts";
import { bytes, duration, fps, integer, MAX_FRAME_BYTES, threads } from "./value.ts";

const MAX_VIEWERS = 100_000;

/** The command. */
export const benchCommand = command({
  name: "bench",
  needs: ["net", "read", "env", "sys", "run"],
  summary: "load a relay with viewers and print latency, throughput and drops",
  operands: [{
    name: "URL",
    help: "address of the stream to load [a relay that bench starts; STREAM_URL is ignored]",
  }],
  flags: {
    viewers: {
      value: "N",
      help: "total number of viewers",
      read: integer(1, MAX_VIEWERS),
      fallback: "100",
      env: "STREAM_BENCH_VIEWERS",
    },
    stalled: {
      value: "N",
      help: "how many of the viewers never read",
      read: integer(0, MAX_VIEWERS),
      fallback: "0",
    },
    slow: {
      value: "N",
      help: "how many of the viewers read at half the stream's rate",
      read: integer(0, MAX_VIEWERS),
      fallback: "0",
    },
    size: {
      value: "SIZE",
      help: "size of a frame",
      read: bytes(STAMP_BYTES, MAX_FRAME_BYTES),
      fallback: "100kB",
      env: "STREAM_BENCH_SIZE",
    },
    fps: {
      value: "N",
      help: "frames a second",
      read: fps,
      fallback: "30",
      env: "STREAM_BENCH_FPS",
    },
    "join-fps": {
      value: "N",
      help: "frames a second until all viewers have joined (default: --fps)",
      read: fps,
    },
    "viewers-only": toggle("publish nothing; somebody else publishes frames of --size at --fps"),
    bare: toggle("use no subprotocol; also works with other servers"),
    duration: {
      value: "TIME",
      help: "how long to measure, once all viewers have joined",
      read: duration(100, 3_600_000),
      fallback: "10s",
      env: "STREAM_BENCH_DURATION",
    },
    workers: {
      value: "N|auto",
      help: "threads for the viewers; auto: one fewer than the number of cores",
      read: threads(navigator.hardwareConcurrency - 1),
      fallback: "1",
      env: "STREAM_BENCH_WORKERS",
    },
    json: toggle("write the report as JSON"),
    ...PASS_FLAGS,
  },
  examples: [
    ["stream bench --viewers 200", "start a relay and load it with 200 viewers of 100 kB × 30 fps"],
    [
      "stream bench ws://127.0.0.1:8080/load --json | jq .delayMs",
      "load a relay that is already running",
    ],
    [
      "stream bench --viewers 100 --stalled 50 --slow 10",
      "how viewers that do not read affect the others",
    ],
    [
      "stream bench --bare ws://127.0.0.1:9000/",
      "any server that sends to all what one client sends",
    ],
  ],
});

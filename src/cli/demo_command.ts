/**
 * What `stream demo` is called with, and says of itself.
 *
 * @module
 */
import { OPEN_FLAGS } from "./access_flags.ts";
import { command } from "./command.ts";
import { GUARD_FLAGS, LIMIT_FLAGS, LISTEN_FLAGS } from "./serve_command.ts";
import { duration, MAX_TIMER_MS } from "./value.ts";

/** The command. */
export const demoCommand = command({
  name: "demo",
  needs: ["net", "read", "env", "sys"],
  summary: "run a relay, a test pattern and a player page in one process",
  operands: [],
  flags: {
    ...LISTEN_FLAGS,
    ...LIMIT_FLAGS,
    ...GUARD_FLAGS,
    ...OPEN_FLAGS,
    duration: {
      value: "TIME",
      help: "stop after this time (default: run until Ctrl-C)",
      read: duration(1, MAX_TIMER_MS),
    },
  },
  examples: [
    ["stream demo", "until Ctrl-C"],
    ["stream demo --port 0 --duration 5s", "on a free port, for five seconds"],
  ],
});

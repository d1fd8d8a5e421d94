// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { systemClock } from "../../src/host/clock.ts";

/** Runs a command whose standard streams are all a terminal. */
async function onTerminal(...args: string[]): Promise<{ code: number; stderr: string }> {
  let stderr = "";
  const code = await run(args, {
    clock: systemClock,
    stop: new AbortController().signal,
    env: () => undefined,
    stdin: () => ReadableStream.from([]),
    writeStdout: () => Promise.resolve(),
    writeStderr: (text) => stderr += text,
    giveUp: () => {},
    terminals: { stdin: true, stdout: true, stderr: true },
  }, "0.0.0");
  return { code, stderr };
}

Deno.test("stream publish reads no frames from a keyboard", async () => {
  const { code, stderr } = await onTerminal("publish", "ws://127.0.0.1:1/live");
  assertEquals(code, 2);
  assertMatch(stderr, /standard input is a terminal; pipe frames into it, or give --input/);
});

Deno.test("stream watch writes no frames to a screen", async () => {
  const { code, stderr } = await onTerminal("watch", "ws://127.0.0.1:1/live", "-o", "-");
  assertEquals(code, 2);
  assertMatch(stderr, /standard output is a terminal; pipe it into a program/);
});

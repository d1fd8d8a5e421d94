/** A publisher whose relay is killed and does not come back. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Running, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { jpegs } from "./folder.ts";

/** A publisher of three pictures whose relay is killed behind them, and which holds two more. */
async function abandoned(args: readonly string[]): Promise<Running> {
  await using relay = await startRelay(["--fps", "100"]);
  const publish = start(["publish", relay.url(), "--log", "json", ...args], { stdin: "piped" });
  try {
    const frames = jpegs(6);
    await publish.write(concat(...frames.slice(0, 3)));
    await relay.until("live", ({ received }) => received.frames === 3);
    relay.process.kill("SIGKILL");
    await publish.said(/lost the relay/);
    // A picture is whole once the next one begins.
    await publish.write(concat(...frames.slice(3)));
    await publish.said(/the relay has been gone for \d+ s; [2-6] frames are waiting; trying again/);
  } catch (error) {
    await publish[Symbol.asyncDispose]();
    throw error;
  }
  return publish;
}

/** The fields of the line that begins with `message`. */
function said({ stderr }: { readonly stderr: string }, message: string): Record<string, unknown> {
  const lines = stderr.trim().split("\n").map((line) => JSON.parse(line));
  return lines.find((line) => String(line.message).startsWith(message));
}

Deno.test("stream publish exits with 3 where the relay stays away at the end of its input", async () => {
  await using publish = await abandoned(["--give-up", "100ms"]);
  assert(!publish.isOver, "it waits as long as there is input");
  await publish.endInput();
  const outcome = await publish.outcome;
  assertEquals(outcome.code, 3, outcome.stderr);
  const { notDelivered, frames } = said(outcome, "published");
  assertEquals(frames, 3);
  assert(Number(notDelivered) >= 3 && Number(notDelivered) <= 6, `${notDelivered}`);
  assertMatch(
    String(said(outcome, "Cannot").message),
    RegExp(
      "^Cannot end the stream at ws://\\S+: the relay has been gone for \\d+ s, and " +
        `${notDelivered} frames were not delivered; .*--give-up$`,
    ),
  );
});

Deno.test("stream publish stops at once and cleanly while the relay is gone, and says what was not delivered", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await using publish = await abandoned([]);
    publish.kill(signal);
    const outcome = await publish.outcome;
    assertEquals(outcome.code, 0, outcome.stderr);
    const { notDelivered, dropped, message } = said(outcome, "published");
    assertEquals(dropped, 0);
    assert(Number(notDelivered) >= 2, `${notDelivered}`);
    assertMatch(String(message), RegExp(`, 0 dropped, ${notDelivered} not delivered$`));
  }
});

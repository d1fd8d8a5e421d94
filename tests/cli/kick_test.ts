/** `stream kick` ends a publisher or a viewer, which does not come back by itself. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run, start, startRelay } from "../program.ts";
import { eventually } from "../waiting.ts";
import { runHere } from "./run_here.ts";

const CLOSED = (reason: string) =>
  RegExp(
    `^error: Cannot stay connected to ws://\\S+: somebody who may has ended it${reason}$`,
    "m",
  );

Deno.test("stream kick ends the publisher, who says why and exits with 1, and viewers stay", async () => {
  await using relay = await startRelay();
  const url = relay.url("door");
  await using watch = start(["watch", url, "-o", "-"]);
  await relay.watchedBy(watch, "door");
  for (
    const [args, reason] of [[["--reason", "wrong camera"], ": wrong camera"], [
      ["--publisher"],
      "",
    ]]
  ) {
    await using publish = start(["publish", url, "--test-pattern"]);
    await relay.until("door", ({ publishing }) => publishing);
    const { code, stdout, stderr } = await run(["kick", url, ...args as string[]]);
    assertEquals([code, stdout.length, stderr], [0, 0, 'ended the publisher of "door"\n']);
    const ended = await publish.outcome;
    assertEquals(ended.code, 1);
    assertMatch(ended.stderr, CLOSED(reason as string));
    await relay.until("door", ({ publishing, viewers }) => !publishing && viewers === 1);
  }
  const nobody = await runHere(["kick", url]);
  assertEquals([nobody.code, nobody.stderr], [
    1,
    `error: Cannot ask ${relay.http}/api/streams/door/publisher: nobody publishes "door"\n`,
  ]);
});

Deno.test("stream kick --viewer ends the viewer that list names, which says why and exits with 1", async () => {
  await using relay = await startRelay();
  const url = relay.url();
  await using stays = start(["watch", url, "-o", "-"]);
  await relay.watchedBy(stays);
  const ids = async (): Promise<number[]> => {
    const { stdout } = await runHere(["list", url, "--json", "--viewers"]);
    const [stream] = JSON.parse(new TextDecoder().decode(stdout));
    return stream.viewerList.map(({ id }: { id: number }) => id);
  };
  const [first] = await ids();
  await using goes = start(["watch", url, "-o", "-"]);
  const id = await eventually(
    "a second viewer",
    async () => (await ids()).find((id) => id !== first),
  );
  const kicked = await runHere(["kick", url, "--viewer", `${id}`, "--reason", "too slow 🐌"]);
  assertEquals([kicked.code, kicked.stderr], [0, `ended the viewer ${id} of "live"\n`]);
  const { code, stderr } = await goes.outcome;
  assertEquals(code, 1);
  assertMatch(stderr, CLOSED(": too slow 🐌"));
  assertEquals(stderr.includes("trying again"), false);
  assertEquals(await ids(), [first]);
  const again = await runHere(["kick", url, "--viewer", `${id}`, "--reason", "once more"]);
  assertEquals(again.code, 1);
  assertEquals(
    again.stderr,
    `error: Cannot ask ${relay.http}/api/streams/live/viewers/${id}: ` +
      'no viewer of "live" has that id: it has left, or never was there\n',
  );
  const json = await runHere(["kick", "--viewer", `${first}`, "--log", "json"], {
    env: { STREAM_URL: url },
  });
  const { time: _, ...line } = JSON.parse(json.stderr);
  assertEquals(line, {
    level: "info",
    message: `ended the viewer ${first} of "live"`,
    stream: "live",
    viewer: first,
  });
});

Deno.test("stream kick needs admin: it exits with 4 and the relay's sentence", async () => {
  await using relay = await startRelay(["--watch-token", "see-only", "--admin-token", "may-all"]);
  const url = relay.url("cam");
  for (
    const [args, said] of [
      [[], /HTTP 401|needs credentials|no token/],
      [["--token", "wrong-one"], /the token is wrong/],
      [["--token", "see-only"], /not for this action/],
      [["--token", "see-only", "--viewer", "1"], /not for this action/],
    ] as const
  ) {
    const { code, stderr } = await runHere(["kick", url, ...args]);
    assertEquals(code, 4, stderr);
    assertMatch(stderr, said);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  }
  const { code, stderr } = await runHere(["kick", url, "--token", "may-all"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'nobody publishes "cam"');
});

Deno.test("stream kick says what is wrong with its line", async () => {
  for (
    const [args, said] of [
      [["--viewer", "x"], "--viewer x"],
      [["--viewer", "0"], "a whole number from 1"],
      [["--viewer", "7", "--publisher"], "choose one"],
      [["--reason", "x".repeat(81)], "at most 80 characters"],
      [["door"], `"door"`],
      [["ws://127.0.0.1:1/a", "7"], "7"],
    ] as const
  ) {
    const { code, stderr } = await runHere(["kick", ...args]);
    assertEquals(code, args[0] === "door" ? code : 2, stderr);
    assertStringIncludes(stderr, said);
  }
  const { code } = await runHere(["kick", "ws://127.0.0.1:1/cam"]);
  assertEquals(code, 3);
});

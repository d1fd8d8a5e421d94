/** `stream token` makes what `stream serve --token-key` takes, and nothing else. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { run, startRelay } from "../program.ts";
import { eventually } from "../waiting.ts";

async function token(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(["token", ...args]);
  assertEquals(code, 0, stderr);
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("stream token makes a key that only its owner reads, and tokens that serve takes until they are revoked", async () => {
  const folder = await Deno.makeTempDir();
  const [key, revoked] = [`${folder}/key.json`, `${folder}/revoked.txt`];
  await token("--new-key", key);
  assertEquals((await Deno.stat(key)).mode! & 0o777, 0o600);
  const before = await Deno.readTextFile(key);
  const again = await run(["token", "--new-key", key]);
  assertEquals([again.code, await Deno.readTextFile(key)], [2, before]);
  assertMatch(again.stderr, /it is there already/);

  await Deno.writeTextFile(revoked, "");
  await using relay = await startRelay(["--token-key", key, "--revoked", revoked]);
  const made = await run(["token", "--key", key, "--publish", "cam-*", "--expires", "12h"]);
  const cams = new TextDecoder().decode(made.stdout).trim();
  const all = await token("--key", key, "--watch", "*", "--metrics", "*");
  const status = async (path: string, bearer?: string) => {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const response = await fetch(relay.http + path, { headers });
    return [response.status, await response.text()] as const;
  };
  assertEquals((await status("/api/streams/cam-1"))[0], 401);
  assertEquals((await status("/api/streams/cam-1", cams))[0], 404);
  assertEquals(await status("/api/streams/garage", cams), [
    403,
    "Cannot do this: the token is not for this stream\n",
  ]);
  assertEquals((await status("/metrics", cams))[0], 403);
  assertEquals((await status("/metrics", all))[0], 200);

  const id = /its id, for --revoked, is (\S+)/.exec(made.stderr)![1]!;
  await Deno.writeTextFile(revoked, `${id}\n`);
  relay.process.kill("SIGHUP");
  await eventually(
    "the token to be revoked",
    async () => (await status("/api/streams/cam-1", cams))[1].includes("the token was revoked"),
  );
  assertEquals((await status("/metrics", all))[0], 200);
  await relay.process.said(new RegExp(`read ${revoked} again`));

  // A key is turned over by a file with both.
  await token("--new-key", `${folder}/next.json`);
  const next = await Deno.readTextFile(`${folder}/next.json`);
  const late = await token("--key", `${folder}/next.json`, "--watch", "*");
  await Deno.writeTextFile(key, `{"keys":[${next},${before}]}`);
  await eventually("the new key", async () => (await status("/api/streams", late))[0] === 200);
  assertEquals((await status("/metrics", all))[0], 200);
  for (const secret of [cams, all, late, JSON.parse(before).k]) {
    assertEquals(relay.process.stderr.includes(secret), false);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stream token and serve say in a sentence what is wrong with their files", async () => {
  const folder = await Deno.makeTempDir();
  const short = `${folder}/short`;
  await Deno.writeTextFile(short, "too-short");
  for (
    const [args, said] of [
      [["token"], /it needs --key FILE, or --new-key FILE/],
      [["token", "--key", short], /the token would be for nothing/],
      [["token", "--key", short, "--watch", "*"], /at least 32 bytes/],
      [["token", "--key", short, "--new-key", short], /exclude each other/],
      [["serve", "--port", "0", "--token-key", short], /Cannot read .*short: .*at least 32 bytes/],
      [["serve", "--port", "0", "--token-key", `${folder}/none`], /Cannot read .*none/],
      [["serve", "--port", "0", "--revoked", short], /--token-key/],
    ] as const
  ) {
    const { code, stderr } = await run(args);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, said);
    assertEquals(stderr.includes("too-short"), false);
  }
  await Deno.remove(folder, { recursive: true });
});

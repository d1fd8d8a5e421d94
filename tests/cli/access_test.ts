/** `stream serve` is open only where somebody has said so, and shows no secret. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { run, start, startRelay } from "../program.ts";

Deno.test("stream serve beyond this machine ends with 2 unless it is said who may do what", async () => {
  for (
    const args of [["serve", "--host", "0.0.0.0"], ["serve", "--host", "::"], [
      "demo",
      "--host",
      "0.0.0.0",
    ]]
  ) {
    const { code, stderr } = await run([...args, "--port", "0"]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^error: Cannot run "stream \w+": --host \S+ lets everybody [^\n]*--open[^\n]*\n$/,
    );
  }
});

for (const ways of [["--open"], ["--watch-token", "see-only"]]) {
  Deno.test(`stream serve beyond this machine starts with ${ways[0]}`, async () => {
    await using relay = start(["serve", "--host", "0.0.0.0", "--port", "0", ...ways]);
    await relay.said(/listening on/);
  });
}

Deno.test("stream serve takes secrets as values, from files and from the environment, and shows none", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "from-a-file\n");
  await using relay = await startRelay([
    "--publish-token",
    "as-a-value",
    "--watch-token",
    `@${file}`,
  ], {
    env: { STREAM_ADMIN_TOKEN: "from-env" },
  });
  const status = async (path: string, token?: string, method = "GET") => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(relay.http + path, { method, headers });
    const text = await response.text();
    for (const secret of ["as-a-value", "from-a-file", "from-env"]) {
      assertEquals(text.includes(secret), false, path);
    }
    return response.status;
  };
  assertEquals(await status("/api/streams"), 401);
  assertEquals(await status("/api/streams", "wrong-one"), 401);
  for (const token of ["as-a-value", "from-a-file", "from-env"]) {
    assertEquals(await status("/api/streams", token), 200, token);
    assertEquals(await status(`/api/streams?token=${token}`), 200, token);
  }
  assertEquals(await status("/api/streams/cam", "from-a-file", "PATCH"), 403);
  assertEquals(await status("/api/streams/cam", "from-env", "PATCH"), 400);
  assertEquals(await status("/metrics", "from-env"), 403);
  await relay.process.said(/refused metrics of 127\.0\.0\.1: the token is not for this action/);
  relay.process.kill("SIGTERM");
  const { stderr } = await relay.process.outcome;
  for (const secret of ["as-a-value", "from-a-file", "from-env", "wrong-one"]) {
    assertEquals(stderr.includes(secret), false, secret);
  }
  await Deno.remove(file);
});

Deno.test("stream serve says what is wrong with a secret without it", async () => {
  for (
    const [value, said] of [
      ["two words", /--publish-token has characters that no request can carry/],
      ["a".repeat(8193), /--publish-token has more than 8192 characters/],
      ["@/nowhere/at/all", /Cannot read --publish-token @\/nowhere\/at\/all: No such file/],
    ] as const
  ) {
    const { code, stderr } = await run(["serve", "--port", "0", "--publish-token", value]);
    assertEquals(code, 2);
    assertMatch(stderr, said);
    assertEquals(value.startsWith("@") || !stderr.includes(value), true);
  }
});

/** A secret in a file may change while the relay runs, and each of its threads knows. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { start, startRelay } from "../program.ts";
import { eventually } from "../waiting.ts";

for (const workers of Deno.build.os === "linux" ? ["1", "2"] : ["1"]) {
  Deno.test(`serve --workers ${workers} ends sessions of a secret that has changed, and clients with a fresh one go on`, async () => {
    const folder = await Deno.makeTempDir();
    const [secret, fresh, stale] = [`${folder}/relay`, `${folder}/fresh`, `${folder}/stale`];
    for (const file of [secret, fresh, stale]) await Deno.writeTextFile(file, "kEyOne\n");
    try {
      await using relay = await startRelay(["--workers", workers, "--publish-token", `@${secret}`]);
      const url = relay.url("cam");
      await using publisher = start(["publish", url, "--test-pattern", "--token", `@${fresh}`]);
      const watch = (token: string) => start(["watch", url, "-o", "-", "--token", token]);
      await using going = watch(`@${fresh}`);
      await using ending = watch(`@${stale}`);
      await using written = watch("kEyOne");
      const until = (viewers: number, token: string) =>
        eventually(`a publisher and ${viewers} viewers with ${token}`, async () => {
          const headers = { authorization: `Bearer ${token}` };
          const [stream] = await (await fetch(`${relay.http}/api/streams`, { headers })).json();
          return stream?.publishing && stream.viewers === viewers;
        });
      await until(3, "kEyOne");

      await Deno.writeTextFile(fresh, "kEyTwo\n");
      await Deno.writeTextFile(secret, "kEyTwo\n");
      relay.process.kill("SIGHUP");
      await relay.process.said(/read \S+relay again: it has changed/);
      for (const each of [ending, written]) {
        const { code, stderr } = await each.outcome;
        assertEquals(code, 4, stderr);
        assertMatch(stderr.trim().split("\n").at(-1)!, /the token was revoked$/);
      }
      await relay.process.said(/ended watch "cam" of 127\.0\.0\.1: the token was revoked/);
      await relay.process.said(/ended publish "cam" of 127\.0\.0\.1: the token was revoked/);
      await until(1, "kEyTwo");
      for (const each of [publisher, going]) {
        each.kill("SIGTERM");
        const { code, stderr } = await each.outcome;
        assertEquals(code, 0, stderr);
      }
      relay.process.kill("SIGTERM");
      const { stderr } = await relay.process.outcome;
      assertEquals(/kEy/.test(stderr), false, stderr);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** A relay that may open few files, and strangers who want more. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { program, startRelay } from "../program.ts";
import { Client, frameOf } from "../server/fixture.ts";
import { eventually } from "../waiting.ts";

const FILES = 300;

/** How far a stranger goes before it falls silent: every second one is an honest viewer. */
const UPGRADE = "GET /live?role=watch HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n" +
  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

for (const [listener, workers] of [["node", "1"], ["node", "2"], ["deno", "1"], ["deno", "2"]]) {
  Deno.test({
    name:
      `serve --listener ${listener} --workers ${workers} goes on when strangers use all its files up, and takes others in later`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const line = ["bash", "-c", `ulimit -n ${FILES}; exec "$0" "$@"`, ...program()];
      const relay = await startRelay([
        "--listener",
        listener!,
        "--workers",
        workers!,
        "--fps",
        "source",
      ], {
        program: line,
      });
      await using process = relay.process;
      await process.said(/room for (\d+) connections, not for --max-viewers 10000: raise its/);
      await using watching = await Client.open(`${relay.url()}?role=watch`);
      await using sender = await Client.open(`${relay.url()}?role=publish`);
      await relay.until("live", ({ viewers }) => viewers === 1);
      const [hostname, port] = relay.host.split(":") as [string, string];
      const strangers: Deno.TcpConn[] = [];
      for (let n = 0; n < 2 * FILES; n++) {
        // Deno's server ends when it has no files left, and another one listens a moment later.
        const stranger = await Deno.connect({ hostname, port: Number(port) }).catch(() =>
          undefined
        );
        if (stranger === undefined) continue;
        strangers.push(stranger);
        // It may have been refused by now.
        if (n % 2 > 0) await stranger.write(new TextEncoder().encode(UPGRADE)).catch(() => {});
        if (n % 10 > 0) continue;
        sender.send(frameOf(n));
        assertEquals(await watching.frame(), frameOf(n));
      }
      for (const each of strangers) each.close();
      await eventually("the relay to take others in", async () => {
        try {
          await using late = await Client.open(`${relay.url()}?role=watch`);
          return (await late.frame()).length > 0;
        } catch {
          return false;
        }
      });
      sender.send(frameOf(1));
      assertEquals(await watching.frame(), frameOf(1));
      process.kill("SIGTERM");
      assertEquals((await process.outcome).code, 0);
    },
  });
}

Deno.test({
  name: "serve --listener node takes others in after strangers who came all at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    const line = ["bash", "-c", `ulimit -n ${FILES}; exec "$0" "$@"`, ...program()];
    await using relay = await startRelay(["--listener", "node"], { program: line });
    const [hostname, port] = relay.host.split(":") as [string, string];
    // The rest of a crowd may come when the relay has begun to listen anew.
    for (let crowd = 0; crowd < 5; crowd++) {
      const coming = Array.from(
        { length: 2 * FILES },
        () => Deno.connect({ hostname, port: Number(port) }),
      );
      // Whoever comes while it does so is refused.
      for (const each of await Promise.allSettled(coming)) {
        if (each.status === "fulfilled") each.value.close();
      }
    }
    // Each comes to a thread by chance.
    for (let n = 0; n < 8; n++) {
      await eventually("the relay to take others in", async () => {
        try {
          const response = await fetch(`${relay.http}/health`, {
            headers: { connection: "close" },
            signal: AbortSignal.timeout(1000),
          });
          await response.body?.cancel();
          return response.ok;
        } catch {
          return false;
        }
      });
    }
  },
});

/**
 * Attacks on clients: what a relay may try that is none.
 *
 * @module
 */
import { start } from "../program.ts";
import { openHere } from "../server/fixture.ts";
import type { Arena, Attack } from "./attack.ts";
import { Watch } from "./siege.ts";

/** Most that a client may take, in MB: what it has at rest, with its inbox. */
const MAX_CLIENT_MB = 400;
/** How long a client may take to leave such a relay, in milliseconds. */
const PATIENCE_MS = 60_000;
const PART = new Uint8Array(65_536).fill(0x61);

/** Answers without end, sends elsewhere, floods, and says what would steer a terminal. */
function answer(request: Request, elsewhere: string): Response {
  const { pathname } = new URL(request.url);
  if (request.headers.has("upgrade")) {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "stream.v1" });
    socket.onopen = () => {
      if (pathname === "/steering") return socket.close(4000, "gone\x1b[2J\nerror: pay\u202e");
      // Before any greeting, and as much as the connection takes.
      const timer = setInterval(() => {
        for (let n = 0; n < 64 && socket.bufferedAmount < 16e6; n++) socket.send(PART);
      }, 1);
      socket.onclose = () => clearInterval(timer);
    };
    return response;
  }
  if (pathname.endsWith("/elsewhere")) {
    return new Response(null, { status: 307, headers: { location: elsewhere } });
  }
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(PART) });
  return new Response(endless, { headers: { "content-type": "application/json" } });
}

interface End {
  readonly code: number;
  readonly megabytes: number;
  readonly said: string;
}

/** How a client ends there, and the most that it took. */
async function endOf(arena: Arena, args: readonly string[]): Promise<End> {
  await using client = start(args, { hangsMs: PATIENCE_MS });
  using watch = new Watch(client.pid);
  const abort = () => client.kill("SIGKILL");
  arena.signal.addEventListener("abort", abort, { once: true });
  const { code, stdout, stderr } = await client.outcome;
  arena.signal.removeEventListener("abort", abort);
  const said = stderr + new TextDecoder().decode(stdout);
  return { code, megabytes: watch.peak.residentMB, said };
}

/** Attacks on clients. */
export const CLIENTS: readonly Attack[] = [
  {
    name: "strange-relay",
    what: "a relay that answers without end, sends clients elsewhere, floods, and steers terminals",
    ends: {
      node: /^1 1 1 1 1, in one sentence each, without controls, nothing elsewhere$/,
      deno: /^1 1 1 1 1, in one sentence each, without controls, nothing elsewhere$/,
    },
    async run(arena) {
      const status = `http://${arena.host}/api/streams/witness`;
      const before = (await (await fetch(status)).json()).fps;
      await using relay = openHere((request) => answer(request, status));
      const http = relay.url.replace("ws:", "http:");
      const commands = [
        ["list", http],
        ["fps", `${http}/elsewhere`, "7"],
        ["watch", `${relay.url}/flood`, "-o", "-"],
        ["publish", `${relay.url}/flood`, "--test-pattern"],
        ["watch", `${relay.url}/steering`, "-o", "-"],
      ];
      const ends: End[] = [];
      for (const args of commands) ends.push(await endOf(arena, args));
      const after = (await (await fetch(status)).json()).fps;
      const isEach = (test: (end: End) => boolean) => ends.every(test);
      const sentences = isEach(({ said }) => said.match(/^error: .*$/gm)?.length === 1);
      // deno-lint-ignore no-control-regex
      const plain = isEach(({ said }) => !/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(said));
      const most = Math.max(...ends.map(({ megabytes }) => megabytes));
      return [
        ends.map(({ code }) => code).join(" "),
        sentences ? "in one sentence each" : ends.map(({ said }) => said).join(" | "),
        plain ? "without controls" : "with controls",
        after === before ? "nothing elsewhere" : `${after} fps elsewhere`,
        ...most > MAX_CLIENT_MB ? [`${most.toFixed(0)} MB`] : [],
      ].join(", ");
    },
  },
];

/**
 * Attacks that ask for what is not theirs, or in a way that nobody should.
 *
 * @module
 */
import { encodePng } from "../../src/picture/png.ts";
import { type Arena, type Attack, tally } from "./attack.ts";
import { paddedJpeg, Pump } from "./holders.ts";
import { maskedWithZeros, type Stranger, UPGRADE } from "./stranger.ts";
import { fromPublisher } from "../wire/messages.ts";

/** Handshakes that are none: which of the four lines are replaced by what. */
const BAD_HANDSHAKES: readonly (readonly string[])[] = [
  [UPGRADE[0]!, UPGRADE[1]!, UPGRADE[2]!],
  [UPGRADE[0]!, UPGRADE[1]!, UPGRADE[2]!, "Sec-WebSocket-Key: short"],
  [UPGRADE[0]!, UPGRADE[1]!, "Sec-WebSocket-Version: 8", UPGRADE[3]!],
  [UPGRADE[0]!, UPGRADE[1]!, UPGRADE[3]!],
  ["Connection: close", UPGRADE[1]!, UPGRADE[2]!, UPGRADE[3]!],
];

/** Frames that RFC 6455 forbids a client to send. */
const BAD_FRAMES: readonly Uint8Array[] = [
  // Not masked.
  Uint8Array.of(0x82, 1, 0),
  // Reserved bits, and opcodes.
  maskedWithZeros(0xc2, "x"),
  maskedWithZeros(0xa2, "x"),
  maskedWithZeros(0x83, "x"),
  maskedWithZeros(0x8b, "x"),
  // A ping in parts, and one that is too long.
  maskedWithZeros(0x09, "x"),
  maskedWithZeros(0x89, new Uint8Array(126)),
  // A continuation of nothing.
  maskedWithZeros(0x80, "x"),
  // Text that is not UTF-8.
  maskedWithZeros(0x81, Uint8Array.of(0xff, 0xfe)),
  // A goodbye with half a code, and with one that is none.
  maskedWithZeros(0x88, Uint8Array.of(3)),
  maskedWithZeros(0x88, Uint8Array.of(0, 1)),
];

/** Names of things that every object has. */
const PROTOTYPE_NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty"];

async function publisher(
  arena: Arena,
  stream: string,
  codec: string | null,
  session: string = crypto.randomUUID(),
): Promise<Stranger> {
  const stranger = await arena.stranger();
  await stranger.hello(`/${stream}`, { role: "publish", session });
  await stranger.text(JSON.stringify({ type: "config", epoch: 0, format: "lp32", codec }));
  return stranger;
}

/** The status of the answer to one request; -1 where none comes within `patienceMs`. */
async function statusOf(
  arena: Arena,
  ask: (stranger: Stranger) => Promise<unknown>,
  patienceMs = 10_000,
): Promise<number> {
  const stranger = await arena.stranger();
  await ask(stranger);
  const status = await arena.within(stranger.status(), -1, patienceMs);
  stranger.close();
  return status;
}

function headerOf(head: string, name: string): string {
  return RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
}

/** Bodies that somebody posts, in chunks. */
type Post = (stranger: Stranger, arena: Arena) => Promise<unknown>;

const CHUNKED = ["Transfer-Encoding: chunked"];

/** Sends chunks of `bytes`, at most so many, for as long as they are taken, and the attack holds on. */
async function withoutEnd(
  stranger: Stranger,
  arena: Arena,
  bytes: Uint8Array,
  most = Infinity,
): Promise<void> {
  const chunk = new Uint8Array(
    await new Blob([
      `${bytes.length.toString(16)}\r\n`,
      bytes as Uint8Array<ArrayBuffer>,
      "\r\n",
    ]).arrayBuffer(),
  );
  const untilMs = performance.now() + arena.size.holdMs;
  let sent = 0;
  while (sent++ < most && performance.now() < untilMs && await stranger.write(chunk));
}

const POSTS: readonly Post[] = [
  // Garbage without end.
  async (stranger, arena) => {
    await stranger.ask(`/garbage-${crypto.randomUUID()}`, { method: "POST", lines: CHUNKED });
    await withoutEnd(stranger, arena, new Uint8Array(65_536).fill(7));
  },
  // A picture without end.
  async (stranger, arena) => {
    await stranger.ask(`/endless-${crypto.randomUUID()}`, { method: "PUT", lines: CHUNKED });
    const head = paddedJpeg(200).subarray(0, -2);
    await withoutEnd(stranger, arena, head, 1);
    await withoutEnd(stranger, arena, new Uint8Array(65_536).fill(7));
  },
  // A byte, and then another.
  async (stranger, arena) => {
    await stranger.ask(`/slow-${crypto.randomUUID()}`, { method: "POST", lines: CHUNKED });
    await arena.again(async () => {
      await stranger.write("1\r\nx\r\n");
      await arena.within(new Promise(() => {}), undefined, 50);
    });
  },
  // Nothing.
  (stranger) => stranger.ask(`/nothing-${crypto.randomUUID()}`, { method: "POST", lines: CHUNKED }),
];

/** Attacks that ask for what is not theirs, or in a way that nobody should. */
export const REQUESTS: readonly Attack[] = [
  {
    name: "hosts",
    what: "another's name as Host, and paths that come out of it",
    ends: {
      node: /^\d+ × (?:421|400)(?:, \d+ × (?:421|400))?$/,
      deno: /^\d+ × (?:421|400)(?:, \d+ × (?:421|400))?$/,
    },
    async run(arena) {
      const origin = ["Origin: http://evil.example"];
      const evil = "evil.example";
      const json = ["Content-Length: 11", ...origin];
      const body = '{"fps":1.5}';
      const asks: ((stranger: Stranger) => Promise<unknown>)[] = [
        (stranger) => stranger.ask("/", { host: evil }),
        (stranger) => stranger.ask("/api/streams", { host: evil, lines: origin }),
        (stranger) => stranger.ask("/witness.jpg", { host: evil }),
        (stranger) =>
          stranger.ask("/api/streams/witness", { method: "PATCH", host: evil, lines: json, body }),
        (stranger) => stranger.ask("/witness", { host: evil, lines: [...UPGRADE, ...origin] }),
        (stranger) => stranger.ask("/health", { host: "a/witness.jpg?" }),
        (stranger) =>
          stranger.ask("/health", {
            method: "PATCH",
            host: "a/api/streams/witness?",
            lines: json,
            body,
          }),
        (stranger) => stranger.ask("http://evil.example/api/streams"),
      ];
      return tally(await arena.each(asks.length, (index) => statusOf(arena, asks[index]!)));
    },
  },
  {
    name: "posts",
    what: "bodies that are posted without end: garbage, a picture, a byte now and then, nothing",
    serve: (scale) =>
      scale === "full" ? [] : [
        ...["--max-memory", "64MiB", "--max-frame", "1MiB", "--stall-timeout", "1s"],
      ],
    ends: {
      node: /^(?!.*(?:garbage|nothing): open)(?=.*nothing: 408)(?=.*garbage: (?:422|503))/,
      deno: /^(?!.*(?:garbage|nothing): open)(?=.*nothing: 408)(?=.*garbage: (?:422|503))/,
    },
    peakMB: (scale) => scale === "full" ? 600 : 220,
    spareMB: 250,
    async run(arena) {
      const ends = await arena.each(arena.pick(20, 40), async (index) => {
        const stranger = await arena.stranger();
        const post = POSTS[index % POSTS.length]!(stranger, arena);
        const status = await arena.within<number | "open">(stranger.status(), "open");
        await arena.within(post, undefined);
        return `${["garbage", "picture", "byte", "nothing"][index % POSTS.length]}: ${status}`;
      });
      return tally(ends);
    },
  },
  {
    name: "markup",
    what: "a page inside a picture of motion JPEG",
    ends: {
      node: /^two boundaries, 6 answers that no page runs in$/,
      deno: /^two boundaries, 6 answers that no page runs in$/,
    },
    async run(arena) {
      const pump = arena.keep(new Pump(`ws://${arena.host}/markup`, paddedJpeg(1000), 20));
      const heads: string[] = [];
      // A stream that nobody has published to yet has no motion JPEG.
      for (let tries = 0; heads.length < 2 && tries < 200; tries++) {
        const stranger = await arena.stranger();
        await stranger.ask("/markup.mjpeg");
        const head = await stranger.head();
        stranger.close();
        if (head.includes(" 200 ")) heads.push(head);
        else await arena.within(new Promise(() => {}), undefined, 50);
      }
      for (const path of ["/markup.jpg", "/api/streams", "/none.jpg", "/metrics"]) {
        const stranger = await arena.stranger();
        await stranger.ask(path);
        heads.push(await stranger.head());
        stranger.close();
      }
      pump[Symbol.dispose]();
      const boundaries = new Set(heads.slice(0, 2).map((head) => headerOf(head, "content-type")));
      const safe = heads.filter((head) =>
        headerOf(head, "x-content-type-options") === "nosniff" &&
        /default-src 'none'/.test(headerOf(head, "content-security-policy")) &&
        /sandbox/.test(headerOf(head, "content-security-policy"))
      );
      return `${boundaries.size === 2 ? "two boundaries" : "one boundary"}, ` +
        `${safe.length} answers that no page runs in`;
    },
  },
  {
    name: "handshakes",
    what: "handshakes without a key, with a short one, of other versions, one after another",
    serve: () => ["--max-handshakes", "1000000"],
    ends: {
      node: /^\d+ × (?:400|426), \d+ × (?:400|426)$/,
      deno: /^\d+ × (?:400|426), \d+ × (?:400|426)$/,
    },
    async run(arena) {
      let next = 0;
      const row = () =>
        arena.again(() => {
          const upgrade = BAD_HANDSHAKES[next++ % BAD_HANDSHAKES.length]!;
          return statusOf(arena, (stranger) => stranger.ask("/witness", { lines: upgrade }));
        });
      return tally((await Promise.all(Array.from({ length: 10 }, row))).flat());
    },
  },
  {
    name: "frames",
    what: "frames without a mask, with reserved bits, bad UTF-8, bad goodbyes",
    ends: { node: /^\d+ × (?:1002|1007), \d+ × (?:1002|1007)$/ },
    onDeno: "the platform ends such a connection without a code, and takes frames without a mask",
    async run(arena) {
      return tally(
        await arena.each(BAD_FRAMES.length, async (index) => {
          const stranger = await arena.stranger();
          await stranger.upgrade("/bad?role=watch");
          await stranger.write(BAD_FRAMES[index]!);
          return await arena.within(stranger.closeCode(), "open", 10_000);
        }),
      );
    },
  },
  {
    name: "sequences",
    what: "a jump of the sequence to 2^53, an empty session, a frame before its configuration",
    ends: { node: /^1002, 1007, (?:1002|4006)$/, deno: /^1002, 1007, (?:1002|4006)$/ },
    async run(arena) {
      const data = new Uint8Array(100);
      const jumping = await publisher(arena, "jump", null);
      await jumping.binary(fromPublisher(1, data));
      await jumping.binary(fromPublisher(2 ** 53 - 1, data));
      const empty = await publisher(arena, "empty", null, "");
      const early = await arena.stranger();
      await early.hello("/early", { role: "publish", session: "early" });
      await early.binary(fromPublisher(1, data));
      const codes = await Promise.all(
        [jumping, empty, early].map((each) => arena.within(each.closeCode(), "open", 10_000)),
      );
      return codes.join(", ");
    },
  },
  {
    name: "names-of-objects",
    what: "streams, codecs, fields and paths named as what every object has",
    ends: { node: /^(?:\d+ × [234]\d\d(?:, )?)+$/, deno: /^(?:\d+ × [234]\d\d(?:, )?)+$/ },
    async run(arena) {
      const paths: string[] = [];
      for (const name of PROTOTYPE_NAMES) {
        const source = await publisher(arena, name, name);
        await source.binary(fromPublisher(1, new Uint8Array(100)));
        await source.text(`{"type":"time","clientUs":1,"${name}":{"isAdmin":true}}`);
        paths.push(
          `/${name}`,
          `/api/streams/${name}`,
          `/${name}.jpg`,
          `/assets/${name}`,
          `/api/${name}`,
        );
      }
      paths.push(
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fmain.ts",
        "//etc/passwd",
      );
      paths.push("/%00", "/a%0d%0aX-Evil:%201.jpg", "/<script>.jpg");
      const statuses = await arena.each(
        paths.length,
        (index) => statusOf(arena, (stranger) => stranger.ask(paths[index]!)),
      );
      return tally(statuses);
    },
  },
  {
    name: "pictures",
    what: "pictures of 9 megapixels to be converted, of 4 streams, asked for without end",
    ends: {
      node: /^others wait (?:\d{1,3}|[1-4]\d{3}) ms at most/,
      deno: /^others wait (?:\d{1,3}|[1-4]\d{3}) ms at most/,
    },
    peakMB: () => 700,
    spareMB: 450,
    async run(arena) {
      const edge = arena.pick(800, 3000);
      const large = encodePng({
        data: new Uint8Array(edge * edge * 3),
        width: edge,
        height: edge,
        channels: 3,
      });
      const small = encodePng({
        data: new Uint8Array(64 * 64 * 3),
        width: 64,
        height: 64,
        channels: 3,
      });
      for (let index = 0; index < 4; index++) {
        arena.keep(new Pump(`ws://${arena.host}/large-${index}`, large, 30));
      }
      arena.keep(new Pump(`ws://${arena.host}/small`, small, 30));
      const asking = Array.from(
        { length: 8 },
        (_, index) =>
          arena.again(() => statusOf(arena, (stranger) => stranger.ask(`/large-${index % 4}.jpg`))),
      );
      let worstMs = 0;
      let got = 0;
      await arena.again(async () => {
        const beganMs = performance.now();
        const status = await statusOf(arena, (stranger) => stranger.ask("/small.jpg"));
        worstMs = Math.max(worstMs, performance.now() - beganMs);
        if (status === 200) got++;
        await arena.within(new Promise(() => {}), undefined, 50);
      });
      await Promise.all(asking);
      return `others wait ${Math.round(worstMs)} ms at most, for ${got} pictures`;
    },
  },
  {
    name: "oddities",
    what: "compression offered, HTTP/2 without asking, HTTP/1.0, two lengths, huge headers",
    ends: {
      node: /^no compression; (?:\d+ × (?:400|413|426|431|0|505)(?:, )?)+$/,
      deno: /^no compression; /,
    },
    async run(arena) {
      const stranger = await arena.stranger();
      await stranger.ask("/witness?role=watch", {
        lines: [
          ...UPGRADE,
          "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15",
        ],
      });
      const head = await stranger.head();
      stranger.close();
      const host = `Host: ${arena.host}\r\n`;
      const texts = [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        `GET /witness HTTP/1.0\r\n${host}${UPGRADE.join("\r\n")}\r\n\r\n`,
        `PATCH /api/streams/witness HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
        `GET /health HTTP/1.1\r\n${host}X: ${"x".repeat(300_000)}\r\n\r\n`,
        `GET /${"a".repeat(100_000)} HTTP/1.1\r\n${host}\r\n`,
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      ];
      // `deno` waits for the rest of what is no request; nobody waits for more of that.
      const patienceMs = arena.listener === "deno" ? arena.pick(2000, 10_000) : 10_000;
      const statuses = await arena.each(
        texts.length,
        (index) => statusOf(arena, (each) => each.write(texts[index]!), patienceMs),
      );
      const compression = headerOf(head, "sec-websocket-extensions");
      return `${compression === "" ? "no compression" : compression}; ${tally(statuses)}`;
    },
  },
];

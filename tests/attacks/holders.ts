/**
 * Attacks that hold what they were given, and do nothing.
 *
 * @module
 */
import { encodeJpeg } from "../../src/picture/jpeg.ts";
import { eventually } from "../waiting.ts";
import { type Arena, type Attack, type Scale, tally } from "./attack.ts";
import type { Stranger } from "./stranger.ts";

const MIB = 1024 * 1024;

/** Time-outs that a test can wait for. */
const SHORT = ["--header-timeout", "500ms", "--body-timeout", "500ms", "--idle-timeout", "500ms"];

function short(scale: Scale): readonly string[] {
  return scale === "full" ? [] : SHORT;
}

/** A JPEG of at least `bytes` bytes, most of which are comments. */
export function paddedJpeg(bytes: number): Uint8Array {
  const picture = encodeJpeg({ data: new Uint8Array(3 * 64), width: 8, height: 8, channels: 3 });
  const comments = Math.ceil(bytes / 65_537);
  const all = new Uint8Array(picture.length + comments * 65_537);
  all.set(picture.subarray(0, 2));
  for (let at = 2; at < 2 + comments * 65_537; at += 65_537) all.set([0xff, 0xfe, 0xff, 0xff], at);
  all.set(picture.subarray(2), 2 + comments * 65_537);
  return all;
}

/** Publishes one frame again and again, no more than two of them under way. */
export class Pump implements Disposable {
  readonly #socket: WebSocket;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #closed: Promise<void>;

  constructor(url: string, frame: Uint8Array, fps: number) {
    const socket = new WebSocket(`${url}?role=publish`);
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.onclose = () => resolve());
    this.#timer = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount < 2 * frame.length) socket.send(frame as Uint8Array<ArrayBuffer>);
    }, 1000 / fps);
  }

  /** When it is closed at last. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}

/** How a viewer of each kind asks for frames, to read them or not. */
export const READERS: Readonly<Record<string, (stranger: Stranger) => Promise<unknown>>> = {
  bare: (stranger) => stranger.upgrade("/big?role=watch"),
  "stream.v1": (stranger) => stranger.hello("/big", { role: "watch" }),
  ".mjpeg": (stranger) => stranger.ask("/big.mjpeg"),
  ".jpg": (stranger) => stranger.ask("/big.jpg"),
  ".mkv": (stranger) => stranger.ask("/big.mkv"),
};

async function hasPicture(arena: Arena): Promise<boolean> {
  using stranger = await arena.stranger();
  await stranger.ask("/big.jpg", { method: "HEAD" });
  return await stranger.status() === 200;
}

function stalled(kind: string, name: string): Attack {
  return {
    name,
    what: `viewers (${kind}) that never read large frames: 320 of 4 MB`,
    serve: (scale) =>
      scale === "full" ? [] : [
        ...["--max-memory", "64MiB", "--max-frame", "2MiB", "--stall-timeout", "1s"],
        ...["--close-timeout", "500ms"],
      ],
    ends: { node: /viewers/, deno: /viewers/ },
    peakMB: (scale) => (scale === "full" ? 640 : 80) + 150,
    async run(arena) {
      const frame = paddedJpeg(arena.pick(1, 4) * MIB - 200_000);
      const pump = arena.keep(new Pump(`ws://${arena.host}/big`, frame, 10));
      // Whoever asks for pictures before there is one is refused, and holds nothing.
      await eventually("the first large frame", () => hasPicture(arena));
      const viewers = await arena.each(arena.pick(40, 320), async () => {
        const stranger = await arena.stranger();
        await arena.within(READERS[kind]!(stranger), undefined, 10_000);
        return stranger;
      });
      await arena.hold();
      pump[Symbol.dispose]();
      return `${viewers.length} viewers`;
    },
  };
}

async function slow(
  arena: Arena,
  count: number,
  begin: (stranger: Stranger) => Promise<unknown>,
  drip?: string,
): Promise<string> {
  const timers: ReturnType<typeof setInterval>[] = [];
  try {
    const patienceMs = arena.pick(20_000, 90_000);
    return tally(
      await arena.each(count, async () => {
        const stranger = await arena.stranger();
        await begin(stranger);
        if (drip !== undefined) {
          timers.push(setInterval(() => stranger.write(drip), arena.pick(100, 2000)));
        }
        const answered = stranger.rest().then((text) =>
          /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "end"
        );
        return await arena.within(answered, "open", patienceMs);
      }, count),
    );
  } finally {
    timers.forEach(clearInterval);
  }
}

/** Attacks that hold what they were given, and do nothing. */
export const HOLDERS: readonly Attack[] = [
  {
    name: "silent",
    what: "silent TCP connections, a fifth more than the relay may open files",
    files: (scale) => scale === "full" ? 1024 : 300,
    ends: { node: /\d+ × 503/, deno: /silent/ },
    onDeno: "connections are not seen before a request comes; where files run out, the relay " +
      "listens again as soon as it can, and those who are there stay",
    async run(arena) {
      const ends: string[] = [];
      const count = arena.pick(360, 1200);
      await arena.each(count, async () => {
        try {
          const stranger = await arena.stranger();
          stranger.rest().then((text) => ends.push(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "end"));
        } catch {
          ends.push("refused");
        }
      });
      await arena.hold();
      return `${count - ends.length} silent, ${tally(ends)}`;
    },
  },
  {
    name: "crowd",
    what: "honest viewers, a fifth more than the relay may open files",
    files: (scale) => scale === "full" ? 1024 : 300,
    ends: { node: /^(?=.*\d+ × 503).*\d+ × 101/, deno: /\d+ × 101/ },
    onDeno: "as `silent`",
    async run(arena) {
      const statuses = await arena.each(arena.pick(360, 1200), async () => {
        try {
          const stranger = await arena.stranger();
          return await arena.within(stranger.upgrade("/crowd?role=watch"), 0, 5000);
        } catch {
          return "refused";
        }
      }, 20);
      await arena.hold();
      return tally(statuses);
    },
  },
  {
    name: "neighbours",
    what: "300 viewers of one address behind a trusted proxy, and one of another",
    serve: () => ["--trusted-proxy", "127.0.0.0/8", "--max-handshakes", "1000"],
    ends: {
      node: /^256 × 101, 44 × 429; another: 101$/,
      deno: /^256 × 101, 44 × 429; another: 101$/,
    },
    async run(arena) {
      const ask = async (address: string) =>
        await (await arena.stranger()).upgrade("/crowd?role=watch", {
          lines: [`X-Forwarded-For: ${address}`],
        });
      const statuses = await arena.each(300, () => ask("203.0.113.1"), 50);
      return `${tally(statuses)}; another: ${await ask("203.0.113.2")}`;
    },
  },
  stalled("bare", "stalled"),
  stalled("stream.v1", "stalled-v1"),
  stalled(".mjpeg", "stalled-mjpeg"),
  stalled(".jpg", "stalled-jpg"),
  stalled(".mkv", "stalled-mkv"),
  {
    name: "names",
    what: "viewers of 1,100 made-up names, and then a publisher",
    serve: (scale) => scale === "full" ? [] : ["--max-awaited", "30"],
    ends: {
      node: /^(?:100|30) others × 4005; a publisher: 101, open$/,
      deno: /a publisher: 101, open$/,
    },
    async run(arena) {
      const [names, awaited] = [arena.pick(60, 1100), arena.pick(30, 1000)];
      const viewers = await arena.each(names, async (index) => {
        const stranger = await arena.stranger();
        await stranger.upgrade(`/name-${index}?role=watch`);
        return stranger;
      });
      const closed: string[] = [];
      for (const viewer of viewers) viewer.closeCode().then((code) => closed.push(code));
      const untilMs = performance.now() + 20_000;
      while (closed.length < names - awaited && performance.now() < untilMs) {
        await arena.within(new Promise(() => {}), undefined, 20);
      }
      const seen = `${closed.length} others × ${[...new Set(closed)].join(", ")}`;
      const publisher = await arena.stranger();
      const status = await publisher.upgrade("/newcomer?role=publish");
      await publisher.binary(new Uint8Array(1000));
      return `${seen}; a publisher: ${status}, ${await arena.within(
        publisher.closeCode(),
        "open",
        500,
      )}`;
    },
  },
  {
    name: "dripping",
    what: "1,000 connections that send their header a byte at a time",
    serve: short,
    ends: { node: /^\d+ × (?:408|end)$/ },
    onDeno: "the platform waits for a header without a limit; it costs a descriptor each",
    run: (arena) =>
      slow(
        arena,
        arena.pick(50, 1000),
        (stranger) => stranger.write("GET /health HTTP/1.1\r\nA: "),
        "x",
      ),
  },
  {
    name: "half",
    what: "1,000 connections with half a header",
    serve: short,
    ends: { node: /^\d+ × (?:408|end)$/ },
    onDeno: "as `dripping`",
    run: (arena) =>
      slow(
        arena,
        arena.pick(50, 1000),
        (stranger) => stranger.write("GET /health HTTP/1.1\r\nA: "),
      ),
  },
  {
    name: "idle",
    what: "2,000 connections that wait after an answer",
    serve: short,
    ends: { node: /^\d+ × 200$/ },
    onDeno: "the platform keeps an idle connection without a limit; it costs a descriptor each",
    run: (arena) => slow(arena, arena.pick(50, 2000), (stranger) => stranger.ask("/health")),
  },
  {
    name: "bodies",
    what: "200 changes with a body that never ends",
    serve: short,
    ends: { node: /^\d+ × 408$/, deno: /^\d+ × 408$/ },
    run: (arena) =>
      slow(arena, arena.pick(30, 200), (stranger) =>
        stranger.ask("/api/streams/witness", {
          method: "PATCH",
          // A byte every 100 ms in a test: eight times as long as it may take.
          lines: [`Content-Length: ${arena.pick(40, 100)}`],
          body: "{",
        }), " "),
  },
];

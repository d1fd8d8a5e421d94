/**
 * Attacks that send more than anybody can want.
 *
 * @module
 */
import { type Arena, type Attack, tally } from "./attack.ts";
import { paddedJpeg } from "./holders.ts";
import { frameHeader, maskedWithZeros, repeated, type Stranger } from "./stranger.ts";

const MIB = 1024 * 1024;
/** Messages that are written at once. */
const BURST = 10_000;

/** Peers that send `message` as fast as they can, and come again when they are closed. */
async function flood(
  arena: Arena,
  message: Uint8Array,
  open: (stranger: Stranger, index: number) => Promise<unknown>,
  peers = 1,
): Promise<string> {
  const burst = repeated(message, BURST);
  const ends: string[] = [];
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    arena[Symbol.dispose]();
  }, arena.size.holdMs);
  try {
    await arena.each(peers, async (index) => {
      while (!isOver && !arena.signal.aborted) {
        const stranger = await arena.stranger();
        await open(stranger, index);
        const closed = stranger.closeCode();
        while (await stranger.write(burst));
        ends.push(await closed);
      }
    });
  } finally {
    clearTimeout(timer);
  }
  return tally(ends);
}

const asBare = (stranger: Stranger) => stranger.upgrade("/witness?role=watch");
const asViewer = (stranger: Stranger) => stranger.hello("/witness", { role: "watch" });

/** Asks as often as it can, from many connections, and reads what is answered. */
async function askAgain(arena: Arena, ask: string): Promise<string> {
  let bytes = 0;
  const timer = setTimeout(() => arena[Symbol.dispose](), arena.size.holdMs);
  await arena.each(arena.pick(10, 50), async () => {
    const stranger = await arena.stranger();
    const reading = (async () => {
      for (let read; (read = await stranger.read()) !== undefined;) bytes += read.length;
    })();
    while (await stranger.write(ask));
    await reading;
  });
  clearTimeout(timer);
  return bytes > 0 ? "answered" : "not answered";
}

/** Attacks that send more than anybody can want. */
export const FLOODS: readonly Attack[] = [
  {
    name: "texts",
    what: "texts of one byte, as many as it can, from a viewer",
    ends: { node: /1008|open/ },
    onDeno: "nothing can stop reading: others wait until it is closed (1008), and a live stream " +
      "may skip frames meanwhile",
    run: (arena) => flood(arena, maskedWithZeros(0x81, "x"), asBare),
  },
  {
    name: "empty",
    what: "empty binary messages, as many as it can, from a bare client",
    ends: { node: /\d/ },
    onDeno: "as `texts`",
    run: (arena) =>
      flood(arena, maskedWithZeros(0x82, ""), (stranger) => stranger.upgrade("/flood")),
  },
  {
    name: "tiny",
    what: "frames of one byte, as many as they can, to streams of their own, from each of 20",
    ends: { node: /open/ },
    onDeno: "as `texts`",
    run: (arena) =>
      flood(
        arena,
        maskedWithZeros(0x82, "x"),
        (stranger, index) => stranger.upgrade(`/tiny-${index}?role=publish`),
        arena.pick(5, 20),
      ),
  },
  {
    name: "pings",
    what: "pings, as many as it can, answers never read",
    ends: { node: /\d/, deno: /\d/ },
    run: (arena) => flood(arena, maskedWithZeros(0x89, ""), asBare),
  },
  {
    name: "acks",
    what: "acknowledgements, as many as it can, from a viewer",
    ends: { node: /1002|1008|open|cut/, deno: /1002|1008|open|cut/ },
    run: (arena) => flood(arena, maskedWithZeros(0x81, '{"type":"ack","sequence":1}'), asViewer),
  },
  {
    name: "asks",
    what: "requests for pages, 20 at once and again at once, from each of 50",
    ends: { node: /^answered$/ },
    onDeno: "as `texts`",
    async run(arena) {
      return await askAgain(arena, `GET / HTTP/1.1\r\nHost: ${arena.host}\r\n\r\n`.repeat(20));
    },
  },
  {
    name: "fields",
    what:
      "requests with 1,500 fields, with long ones, and that expect what nobody knows, again and " +
      "again, from each of 50",
    ends: { node: /^answered$/ },
    onDeno: "as `texts`",
    spareMB: 200,
    async run(arena) {
      const headers = [
        Array.from({ length: 1500 }, (_, at) => `x${at}: x`).join("\r\n"),
        `X: ${"x".repeat(15_000)}`,
        "Expect: 200-ok",
      ];
      const asks = headers.map((lines) =>
        `GET / HTTP/1.1\r\nHost: ${arena.host}\r\n${lines}\r\n\r\n`
      );
      return await askAgain(arena, asks.join(""));
    },
  },
  {
    name: "crumbs",
    what: "a change of which the body comes in chunks of a byte, again and again",
    ends: { node: /^\d+ × (?:400|cut)/ },
    onDeno: "as `texts`",
    peakMB: () => 250,
    spareMB: 200,
    async run(arena) {
      const chunks = repeated(new TextEncoder().encode("1\r\nx\r\n"), BURST);
      const lines = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
      const ends = await arena.again(async () => {
        const stranger = await arena.stranger();
        await stranger.ask("/api/streams/witness", { method: "PATCH", lines });
        const writing = (async () => {
          for (let n = 0; n < 10 && await stranger.write(chunks); n++);
        })();
        const status = await arena.within(stranger.status(), -1);
        stranger.close();
        await writing;
        return status === 0 ? "cut" : status;
      });
      return tally(ends);
    },
  },
  {
    name: "unread",
    what: "100,000 questions for the time, answers never read",
    serve: (scale) => scale === "full" ? [] : ["--max-unread", "16KiB"],
    // Whoever reads nothing may be broken off before he has read why.
    ends: {
      node: /^(?:4007|1008|cut), counted as .*(?:unread|messages)/,
      deno: /^(?:4007|1008|cut), counted as .*(?:unread|messages)/,
    },
    async run(arena) {
      const stranger = await arena.stranger();
      await stranger.hello("/quiet", { role: "watch" });
      const ask = maskedWithZeros(0x81, '{"type":"time","clientUs":1,"roundTripUs":null}');
      const burst = repeated(ask, 1000);
      const asking = (async () => {
        for (let asked = 0; asked < 100_000 && await stranger.write(burst); asked += 1000);
      })();
      await arena.within(asking, undefined);
      const end = await arena.within(stranger.closeCode(), "open", 10_000);
      return `${end}, counted as ${(await arena.refused()).join(" and ") || "nothing"}`;
    },
  },
  {
    name: "endless",
    what: "one message in parts of 1 MB that never ends, from each of 5",
    // Five are fewer than may be unfinished together: each is closed for its own size.
    ends: { node: /^(?:\d × (?:1009|cut)(?:, )?)+$/ },
    onDeno:
      "the platform collects the parts of a message, each up to 64 MiB, without a limit for all",
    peakMB: () => 400,
    spareMB: 350,
    async run(arena) {
      const part = new Uint8Array(MIB);
      return tally(
        await arena.each(5, async () => {
          const stranger = await arena.stranger();
          await stranger.upgrade("/endless?role=publish");
          const closed = stranger.closeCode();
          for (let parts = 0; parts < 256; parts++) {
            const header = frameHeader(parts === 0 ? 0x02 : 0x00, part.length);
            if (!(await stranger.write(header) && await stranger.write(part))) break;
          }
          return await arena.within(closed, "open", 10_000);
        }),
      );
    },
  },
  {
    name: "hoard",
    what: "99 publishers of frames of just --max-frame, which wait for a tick of 1 a second",
    serve: (scale) => scale === "full" ? [] : ["--max-frame", "2MiB", "--max-memory", "32MiB"],
    ends: {
      node: /^(?:\d+ × (?:open|1013|4006|cut)(?:, )?)+$/,
    },
    onDeno: "the platform's copies of what has come are given back when the garbage collector runs",
    // Each would keep two of them. What is on its way and what heaps have grown by comes on top.
    peakMB: (scale) => scale === "full" ? 640 + 150 : 280,
    spareMB: 280,
    async run(arena) {
      const part = paddedJpeg(arena.pick(2 * MIB, 16 * MIB) - 200_000);
      const header = frameHeader(0x82, part.length);
      const ends = await arena.each(99, async (index) => {
        const name = `hoard-${index}`;
        const slow = await fetch(`http://${arena.host}/api/streams/${name}`, {
          method: "PATCH",
          body: '{"fps":1}',
        });
        await slow.body?.cancel();
        const stranger = await arena.stranger();
        await stranger.upgrade(`/${name}?role=publish`);
        const closed = stranger.closeCode();
        for (let frames = 0; frames < 4; frames++) {
          if (!(await stranger.write(header) && await stranger.write(part))) break;
        }
        return { closed };
      }, 10);
      await arena.hold();
      return tally(await Promise.all(ends.map(({ closed }) => arena.within(closed, "open", 100))));
    },
  },
  {
    name: "unfinished",
    what: "50 messages of just --max-frame without their last byte, held",
    serve: (scale) => scale === "full" ? [] : ["--max-frame", "2MiB", "--max-memory", "32MiB"],
    ends: { node: /(?:\d{4}|cut)/ },
    onDeno: "the platform keeps what has come of up to 64 MiB for each connection; " +
      "--max-per-address and --max-connections bound how many there are",
    peakMB: (scale) => scale === "full" ? 640 + 150 : 200,
    async run(arena) {
      const bytes = arena.pick(2 * MIB, 16 * MIB) - 1024;
      const part = new Uint8Array(bytes);
      return tally(
        await arena.each(50, async () => {
          const stranger = await arena.stranger();
          await stranger.upgrade("/unfinished?role=publish");
          const closed = stranger.closeCode();
          await stranger.write(frameHeader(0x82, bytes + 1));
          await stranger.write(part);
          return await arena.within(closed, "open");
        }, 50),
      );
    },
  },
];

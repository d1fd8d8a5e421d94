/**
 * Attacks by what is in messages that are as they should be: pictures, configurations, HTTP/2.
 *
 * @module
 */
import { deflateSync } from "node:zlib";
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { concat, PNG_START, pngChunk, uint32 } from "../split/samples.ts";
import { fromPublisher } from "../wire/messages.ts";
import { type Arena, type Attack, tally } from "./attack.ts";
import { paddedJpeg, Pump } from "./holders.ts";
import { maskedWithZeros } from "./stranger.ts";

/** What a picture of a few kilobytes unpacks to: more than the relay may take in an attack. */
const UNPACKED_BYTES = 192 * 1024 * 1024;

/** A PNG image that says it has `size` × `size` pixels, and unpacks to `bytes` zeros. */
function pngOf(size: number, bytes: number): Uint8Array {
  return concat(
    PNG_START,
    pngChunk("IHDR", concat(uint32(size), uint32(size), Uint8Array.of(8, 2, 0, 0, 0))),
    pngChunk("IDAT", new Uint8Array(deflateSync(new Uint8Array(bytes)))),
    pngChunk("IEND", new Uint8Array()),
  );
}

/** A JPEG that says it has 65,535 × 65,535 pixels. */
function hugeJpeg(): Uint8Array {
  const jpeg = paddedJpeg(1000);
  // The header of the frame: its length, bits of a sample, height, width (ITU-T T.81 clause B.2.2).
  for (let at = 2; at < jpeg.length - 9; at += 2 + (jpeg[at + 2]! << 8 | jpeg[at + 3]!)) {
    if (jpeg[at + 1] === 0xc0) jpeg.fill(0xff, at + 5, at + 9);
  }
  return jpeg;
}

/** Frames that are far larger than they look, by stream. */
function bombs(): Readonly<Record<string, Uint8Array>> {
  return {
    "png-size": pngOf(65_535, 100),
    "png-rows": pngOf(2, UNPACKED_BYTES),
    "jpeg-size": hugeJpeg(),
    "y4m": new TextEncoder().encode("YUV4MPEG2 W65535 H65535 F30:1 C444\nFRAME\nx"),
  };
}

/** The header of an HTTP/2 frame (RFC 9113 section 4.1), and what is in it. */
function http2Frame(
  { type, flags = 0, stream = 0 }: { type: number; flags?: number; stream?: number },
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  const length = Uint8Array.of(0, payload.length >> 8, payload.length & 0xff);
  return concat(length, Uint8Array.of(type, flags), uint32(stream), payload);
}

/** Requests that are cancelled at once, of streams from `first` on. */
function resets(first: number, count: number): Uint8Array {
  // `:method: GET`, `:scheme: http`, `:path: /` (RFC 7541 appendix A).
  const request = Uint8Array.of(0x82, 0x86, 0x84);
  const parts: Uint8Array[] = [];
  for (let stream = first; stream < first + 2 * count; stream += 2) {
    parts.push(http2Frame({ type: 1, flags: 5, stream }, request));
    parts.push(http2Frame({ type: 3, stream }, uint32(8)));
  }
  return concat(...parts);
}

async function floodOfConfigurations(arena: Arena): Promise<string> {
  const watching = await arena.stranger();
  await watching.hello("/configs", { role: "watch" });
  const seen = watching.closeCode();
  const ends = await arena.again(async () => {
    const stranger = await arena.stranger();
    await stranger.hello("/configs", { role: "publish", session: crypto.randomUUID() });
    const closed = stranger.closeCode();
    const timer = setTimeout(() => stranger.close(), arena.size.holdMs);
    for (let sequence = 1;;) {
      const messages: Uint8Array[] = [];
      for (let n = 0; n < 100; n++, sequence++) {
        const size = { width: 1 + sequence % 5000, height: 1 + sequence % 4000 };
        const config = { ...bareConfig("lp32"), epoch: 0, ...size };
        messages.push(maskedWithZeros(0x81, encodeControl({ type: "config", ...config })));
        const frame = fromPublisher(sequence, new Uint8Array(10));
        messages.push(maskedWithZeros(0x82, frame));
      }
      if (!await stranger.write(concat(...messages))) break;
    }
    clearTimeout(timer);
    return await closed;
  });
  const end = await arena.within(seen, "open", 100);
  return `${tally(ends)}; the viewer: ${end}`;
}

/** Attacks by what is in messages that are as they should be. */
export const CONTENTS: readonly Attack[] = [
  {
    name: "bombs",
    what: "pictures that say they are far larger than they are, or unpack to 192 MiB",
    ends: {
      node: /^(?:\d+ × (?:200|4\d\d|500|503)(?:, )?)+$/,
      deno: /^(?:\d+ × (?:200|4\d\d|500|503)(?:, )?)+$/,
    },
    async run(arena) {
      const all = Object.entries(bombs());
      for (const [name, frame] of all) {
        arena.keep(new Pump(`ws://${arena.host}/${name}`, frame, 20));
      }
      const paths = all.flatMap(([name]) => [`/${name}.jpg`, `/${name}.png`]);
      let next = 0;
      const row = () =>
        arena.again(async () => {
          const stranger = await arena.stranger();
          await stranger.ask(paths[next++ % paths.length]!);
          const status = await arena.within(stranger.status(), -1, 10_000);
          stranger.close();
          return status;
        });
      return tally((await Promise.all(Array.from({ length: 8 }, row))).flat());
    },
  },
  {
    name: "configs",
    what: "a publisher that changes its configuration with every frame, as fast as it can",
    ends: {
      node: /^(?:\d+ × (?:1008|4006|open|cut)(?:, )?)+; the viewer: open$/,
    },
    onDeno: "as `texts`",
    run: floodOfConfigurations,
  },
  {
    name: "resets",
    what: "HTTP/2 without asking, and 10,000 requests that are cancelled at once",
    // `node` speaks no HTTP/2: the first bytes are no request of its own.
    ends: { node: /^400, ended$/, deno: /^(?:ended|open)$/ },
    async run(arena) {
      const stranger = await arena.stranger();
      const rest = stranger.rest();
      await stranger.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      if (arena.listener === "node") {
        // At once, and not after a time-out for the rest.
        const text = await arena.within(rest, "", 4000);
        return `${/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "nothing"}, ${
          text === "" ? "open" : "ended"
        }`;
      }
      await stranger.write(http2Frame({ type: 4 }));
      for (let n = 0; n < 100; n++) {
        if (!await stranger.write(resets(1 + 200 * n, 100))) break;
      }
      return await arena.within(rest.then(() => "ended"), "open");
    },
  },
];

/**
 * Handshakes and frames at random, the same ones for the same seed.
 *
 * @module
 */
import { seeded } from "../e2e/random.ts";
import { frameHeader, maskedWithZeros, UPGRADE } from "./stranger.ts";

/** Texts that the relay understands, to be spoiled. */
const CONTROLS = [
  '{"type":"hello","version":1,"role":"watch"}',
  '{"type":"hello","version":1,"role":"publish","session":"s"}',
  '{"type":"config","epoch":0,"format":"lp32","codec":null,"width":1,"height":1}',
  '{"type":"ack","sequence":1}',
  '{"type":"time","clientUs":1,"roundTripUs":null}',
  '{"type":"end"}',
];
const PATHS = [
  "/fuzz",
  "/fuzz?role=watch",
  "/fuzz?role=publish",
  "/",
  "/fuzz.mjpeg",
  "/api/streams",
];
const LENGTHS = [0, 1, 2, 31, 32, 33, 125, 126, 127, 1000, 65_535, 65_536];
/** Changes of one handshake or message, at most. */
const MAX_CHANGES = 4;
/** Frames of one case, at most. */
const MAX_FRAMES = 6;

const encoder = new TextEncoder();

/** What one case sends, in this order. */
export interface FuzzCase {
  readonly handshake: Uint8Array;
  /** Sent when the handshake has been answered, whatever the answer is. */
  readonly frames: readonly Uint8Array[];
}

/** The case with this seed, for a relay at `host`. */
export function fuzzCase(seed: number, host: string): FuzzCase {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const any = <T>(all: readonly T[]): T => all[below(all.length)]!;
  const bytes = (length: number) => Uint8Array.from({ length }, () => below(256));

  /** One byte is changed, taken out, put in, or a part is repeated. */
  const spoil = (original: Uint8Array): Uint8Array => {
    let all = [...original];
    for (let left = 1 + below(MAX_CHANGES); left > 0; left--) {
      const at = below(all.length + 1);
      const kind = below(4);
      if (kind === 0) all[at] = below(256);
      else if (kind === 1) all.splice(at, 1 + below(4));
      else if (kind === 2) all.splice(at, 0, ...bytes(1 + below(4)));
      else all = [...all.slice(0, at), ...all.slice(below(at + 1))];
    }
    return Uint8Array.from(all);
  };

  const frame = (): Uint8Array => {
    const first = random() < 0.7
      ? any([0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x02, 0x00, 0x80])
      : below(256);
    switch (below(4)) {
      case 0:
        return maskedWithZeros(0x81, any(CONTROLS));
      case 1:
        return maskedWithZeros(0x81, spoil(encoder.encode(any(CONTROLS))));
      case 2: {
        // A length that is not that of what follows.
        const header = frameHeader(first, any([...LENGTHS, 2 ** 31, 2 ** 53 - 1]));
        if (random() < 0.3) header[1]! &= 0x7f;
        return Uint8Array.from([...header, ...bytes(below(100))]);
      }
      default:
        return maskedWithZeros(first, bytes(any(LENGTHS.slice(0, 10))));
    }
  };

  const lines = [
    `GET ${any(PATHS)} HTTP/1.1`,
    `Host: ${host}`,
    ...UPGRADE,
    ...(random() < 0.5 ? ["Sec-WebSocket-Protocol: stream.v1"] : []),
  ];
  const handshake = encoder.encode(`${lines.join("\r\n")}\r\n\r\n`);
  // Half of all get through to frames.
  return {
    handshake: random() < 0.5 ? handshake : spoil(handshake),
    frames: Array.from({ length: 1 + below(MAX_FRAMES) }, frame),
  };
}

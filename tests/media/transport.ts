/**
 * MPEG-TS, made packet by packet.
 *
 * @module
 */
import { H264_DELIMITER } from "../split/nal_samples.ts";
import { concat } from "../split/samples.ts";
import type { Shot } from "./files.ts";

export const PACKET_BYTES = 188;
const MAP_PID = 0x100;
export const VIDEO_PID = 0x101;
/** Units of the clock from one frame to the next: 25 a second. */
const STEP = 3600;

/** How a stream is made. */
export interface TransportOptions {
  /** stream_type of each stream; the first has the frames. @default {[0x1b]} */
  readonly types?: readonly number[];
  /** The clock at the first frame. @default {90000} */
  readonly start?: number;
  /** What is added to the clock from frame `at` on. */
  readonly jump?: { readonly at: number; readonly by: number };
  /** Bytes in front of every packet, and behind. @default {[0, 0]} */
  readonly around?: readonly [before: number, behind: number];
  /** Whether all packets of the video are scrambled. @default {false} */
  readonly isScrambled?: boolean;
  /**
   * What each PES packet says that it has, of as many bytes behind its header; `undefined`: nothing.
   * @default {() => undefined}
   */
  readonly said?: (bytes: number, index: number) => number | undefined;
  /** Pieces of a frame that have a PES packet each. @default {(frame) => [frame]} */
  readonly pieces?: (frame: Uint8Array, index: number) => readonly Uint8Array[];
}

/** The packets of a program with the frames of `shots`. */
export function packetsOf(
  shots: readonly Shot[],
  options: TransportOptions = {},
): Uint8Array<ArrayBuffer>[] {
  const { types = [0x1b], start = 90_000, jump, isScrambled = false } = options;
  const { said = () => undefined, pieces = (frame: Uint8Array) => [frame] } = options;
  const counters = new Map<number, number>();
  const packet = (pid: number, payload: Uint8Array, isStart: boolean): Uint8Array<ArrayBuffer> => {
    const counter = counters.get(pid) ?? 0;
    counters.set(pid, (counter + 1) & 15);
    const stuffing = PACKET_BYTES - 4 - payload.length;
    const scrambling = isScrambled && pid === VIDEO_PID ? 0x80 : 0;
    const header = [
      0x47,
      (isStart ? 0x40 : 0) | (pid >> 8),
      pid & 0xff,
      scrambling | (stuffing > 0 ? 0x30 : 0x10) | counter,
    ];
    if (stuffing === 0) return concat(Uint8Array.from(header), payload);
    const adaptation = new Uint8Array(stuffing).fill(0xff);
    adaptation[0] = stuffing - 1;
    if (stuffing > 1) adaptation[1] = 0;
    return concat(Uint8Array.from(header), adaptation, payload);
  };
  const section = (pid: number, content: readonly number[]): Uint8Array<ArrayBuffer> => {
    const length = content.length - 3 + 4;
    const bytes = [content[0]!, 0xb0 | (length >> 8), length & 0xff, ...content.slice(3)];
    return packet(pid, Uint8Array.from([0, ...bytes, 0, 0, 0, 0]), true);
  };
  const packets = [
    section(0, [0, 0, 0, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (MAP_PID >> 8), MAP_PID & 0xff]),
    section(MAP_PID, [
      ...[2, 0, 0, 0, 1, 0xc1, 0, 0, 0xe1, 0x01, 0xf0, 0],
      ...types.flatMap((type, index) => [type, 0xe1, 1 + index, 0xf0, 0]),
    ]),
  ];
  for (const [index, { data, timeUs }] of shots.entries()) {
    const shift = start + (jump !== undefined && index >= jump.at ? jump.by : 0);
    const dts = shift + index * STEP;
    const pts = shift + timeUs * 9 / 100 + STEP;
    for (const piece of pieces(concat(H264_DELIMITER, data), index)) {
      const bytes = concat(pesHeader(pts, dts, said(piece.length, index)), piece);
      for (let at = 0; at < bytes.length; at += PACKET_BYTES - 4) {
        packets.push(packet(VIDEO_PID, bytes.subarray(at, at + PACKET_BYTES - 4), at === 0));
      }
    }
  }
  const [before, behind] = options.around ?? [0, 0];
  return packets.map((one) => concat(new Uint8Array(before), one, new Uint8Array(behind)));
}

function pesHeader(pts: number, dts: number, bytes?: number): Uint8Array<ArrayBuffer> {
  const length = bytes === undefined ? 0 : 3 + 10 + bytes;
  const header = [0, 0, 1, 0xe0, length >> 8, length & 0xff, 0x80, 0xc0, 10];
  return Uint8Array.from([...header, ...timeOf(3, pts), ...timeOf(1, dts)]);
}

function timeOf(prefix: number, value: number): number[] {
  const time = ((value % 2 ** 33) + 2 ** 33) % 2 ** 33;
  const [high, middle, low] = [
    Math.floor(time / 2 ** 30),
    Math.floor(time / 2 ** 15) % 2 ** 15,
    time % 2 ** 15,
  ];
  return [
    (prefix << 4) | (high << 1) | 1,
    ...[middle, low].flatMap((part) => [part >> 7, ((part & 0x7f) << 1) | 1]),
  ];
}

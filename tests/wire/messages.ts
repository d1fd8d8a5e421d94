/** Messages of a relay, and frames, for the tests of the sessions. */
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { encodeFrameMessage, type FrameHeader } from "../../src/wire/frame_message.ts";
import type { PublisherSession } from "../../src/wire/publisher_session.ts";

export type Message = string | Uint8Array<ArrayBuffer>;

export const CONFIGS = [bareConfig("mjpeg"), bareConfig("png", { width: 4, height: 2 })];

/** The publisher's frame `number`, which says so itself. */
export function outgoing(number: number): Parameters<PublisherSession["add"]>[0] {
  return {
    data: Uint8Array.of(number >> 8, number & 0xff, 1),
    kind: "key",
    config: CONFIGS[(number >> 3) % 2]!,
    ptsUs: number * 40_000,
    captureUs: 1_000_000 + number,
  };
}

export function welcome(role: "publish" | "watch", received = 0, run = "one"): string {
  return encodeControl({
    type: "welcome",
    version: 1,
    role,
    stream: "live",
    run,
    fps: 30,
    maxFrameBytes: 1000,
    publishing: true,
    received,
    flags: 63,
  });
}

export function credit(frames: number, received: number, bytes = 1e6): string {
  return encodeControl({ type: "credit", frames, bytes, received });
}

/** A header of a key frame with nothing else to tell. */
export const HEADER: FrameHeader = {
  key: true,
  configuration: false,
  discontinuity: false,
  catchUp: false,
  leading: false,
  held: false,
  epoch: 1,
  sequence: 1,
  ptsUs: null,
  captureUs: 1000,
};

export function toViewer(
  sequence: number,
  header: Partial<FrameHeader> = {},
  data: Uint8Array<ArrayBuffer> = Uint8Array.of(7),
): Uint8Array<ArrayBuffer> {
  return encodeFrameMessage({ ...HEADER, sequence, ...header }, data);
}

/** The message of a publisher's key frame, of its first configuration, and with what `header` says. */
export function fromPublisher(
  sequence: number,
  data: Uint8Array<ArrayBuffer>,
  header: Partial<FrameHeader> = {},
): Uint8Array<ArrayBuffer> {
  return toViewer(sequence, { epoch: 0, ...header }, data);
}

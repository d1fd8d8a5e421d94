/**
 * What the relay says to every peer that speaks the protocol.
 *
 * @module
 */
import type { Clock } from "../host/clock.ts";
import { encodeControl } from "../wire/control_message.ts";
import { FLAGS, VERSION } from "../wire/frame_message.ts";
import type { WatchedStream } from "./viewer.ts";

/** The relay's first message: what the stream is, and of a publisher how far its frames have come. */
export function welcome(
  stream: Pick<WatchedStream, "name" | "run" | "fps" | "isPublishing">,
  as: {
    readonly role: "publish" | "watch";
    readonly received: number;
    readonly maxFrameBytes: number;
  },
): string {
  return encodeControl({
    type: "welcome",
    version: VERSION,
    role: as.role,
    stream: stream.name,
    run: stream.run,
    fps: stream.fps,
    maxFrameBytes: as.maxFrameBytes,
    publishing: stream.isPublishing,
    received: as.received,
    flags: FLAGS,
  });
}

/** The answer to a peer that asks for the relay's clock. */
export function timeAnswer(clock: Clock, clientUs: number): string {
  return encodeControl({ type: "time", clientUs, serverUs: clock.wallUs() });
}

/**
 * Key frames behind a gap.
 *
 * Clause numbers are those of ITU-T H.265 (08/2021).
 *
 * @module
 */
import { withHeadroom } from "../bytes/headroom.ts";
import type { Frame } from "../core/frame.ts";
import { findStartCode, HEVC_NAL, hevcNalType, START_CODE_BYTES } from "./nal.ts";

/** Type of a slice of a BLA picture with no leading pictures but those that can be decoded. */
const BLA_WITH_RADL = 17;

/**
 * A key frame for a decoder that may have had other frames than those before it, but goes on.
 *
 * A CRA picture of H.265 becomes a BLA picture, which says just that (3.9): else its place in the
 * order of pictures would be taken as close to those that the decoder has had (8.3.1), and those for
 * references of what follows. The slices stay as they are but for their type, 7.3.6.1. Everything
 * else is left alone: IDR pictures and the key frames of VP8, VP9 and AV1 reset their decoders, and
 * H.264 has no such type.
 *
 * @returns `frame` itself where nothing changes.
 */
export function asBrokenLink(frame: Frame): Frame {
  if (frame.config.format !== "hevc" || frame.kind !== "key") return frame;
  const { data } = frame;
  let changed: Uint8Array<ArrayBuffer> | undefined;
  // One by one, since a hostile frame is nothing but start codes.
  for (let code = findStartCode(data, 0); code >= 0;) {
    const start = code + START_CODE_BYTES;
    if (start < data.length && hevcNalType(data[start]!) === HEVC_NAL.cra) {
      changed ??= withHeadroom([data]);
      changed[start] = (changed[start]! & 0x81) | (BLA_WITH_RADL << 1);
    }
    code = findStartCode(data, start);
  }
  return changed === undefined ? frame : { ...frame, data: changed };
}

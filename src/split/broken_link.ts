/**
 * Key frames behind a gap.
 *
 * Clause numbers are those of ITU-T H.265 (08/2021).
 *
 * @module
 */
import { HEADROOM_BYTES } from "../bytes/assembly.ts";
import type { Frame } from "../core/frame.ts";
import { HEVC_NAL, hevcNalType, nalUnits } from "./nal.ts";

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
  const slices = nalUnits(data).filter(({ start }) => hevcNalType(data[start]!) === HEVC_NAL.cra);
  if (slices.length === 0) return frame;
  const changed = new Uint8Array(HEADROOM_BYTES + data.length).subarray(HEADROOM_BYTES);
  changed.set(data);
  for (const { start } of slices) changed[start] = (changed[start]! & 0x81) | (BLA_WITH_RADL << 1);
  return { ...frame, data: changed };
}

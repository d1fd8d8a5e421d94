/**
 * Messages of supplemental enhancement information (SEI) in H.264.
 *
 * @module
 */
import { BitReader } from "../bytes/bit_reader.ts";

/** Bytes of an SEI NAL unit that are looked through. */
export const MAX_SEI_BYTES = 4096;

/** payloadType of a recovery point, D.1.1. */
const RECOVERY_POINT = 6;

/**
 * recovery_frame_cnt of the recovery point (D.1.8, ITU-T H.264 08/2021) in an SEI NAL unit without
 * emulation prevention: after how many frames pictures are right again. `undefined` without one.
 */
export function recoveryFrames(nal: Uint8Array): number | undefined {
  let at = 1;
  /** payloadType and payloadSize, 7.3.2.3.1. */
  const readNumber = (): number => {
    let sum = 0;
    while (nal[at] === 0xff) {
      sum += 0xff;
      at++;
    }
    return sum + (nal[at++] ?? 0);
  };
  while (at + 2 < nal.length) {
    const type = readNumber();
    const size = readNumber();
    if (type === RECOVERY_POINT) {
      const reader = new BitReader(nal.subarray(at, at + size));
      const frames = reader.unsignedGolomb();
      return reader.isOverrun ? undefined : frames;
    }
    at += size;
  }
  return undefined;
}

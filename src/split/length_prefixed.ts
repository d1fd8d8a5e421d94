/**
 * Tells access units with lengths from those with start codes.
 *
 * @module
 */

/** Bytes of a length, as nearly every file has it: lengthSizeMinusOne 3 (ISO/IEC 14496-15, 5.3.3.1). */
const LENGTH_BYTES = 4;
/** Types of NAL units that a coded picture is made of: H.264 Table 7-1, H.265 Table 7-1. */
const H264_TYPES: ReadonlySet<number> = new Set([
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  14,
  19,
  20,
]);
const HEVC_LAST_SEI = 40;

/**
 * Whether an access unit of H.264 or H.265 consists of NAL units behind their lengths, as MP4 and
 * browsers' encoders have them ("avc", AVCC), and not of a byte stream (annex B). It is when all
 * lengths together are exactly the unit's; takes time in proportion to the NAL units.
 */
export function isLengthPrefixed(format: "h264" | "hevc", unit: Uint8Array): boolean {
  const view = new DataView(unit.buffer, unit.byteOffset, unit.byteLength);
  const headerBytes = format === "h264" ? 1 : 2;
  let at = 0;
  while (at + LENGTH_BYTES + headerBytes <= unit.length) {
    const length = view.getUint32(at);
    at += LENGTH_BYTES;
    if (length < headerBytes || !isHeader(format, unit, at)) return false;
    at += length;
  }
  return at === unit.length && at > 0;
}

function isHeader(format: "h264" | "hevc", unit: Uint8Array, at: number): boolean {
  const first = unit[at]!;
  // The forbidden zero bit, in both.
  if (first >= 0x80) return false;
  if (format === "h264") return H264_TYPES.has(first & 0x1f);
  // nuh_temporal_id_plus1 is never 0.
  return first >> 1 <= HEVC_LAST_SEI && (unit[at + 1]! & 7) !== 0;
}

/**
 * What H.265 has above its base layer: ITU-T H.265 Annex F. Decoders of the base layer pass over it.
 *
 * @module
 */
import { HEVC_NAL, hevcNalType } from "../split/nal.ts";

/** What stands in the layers above the base layer, as far as it is known. */
export type UpperLayers = "transparency" | "unknown";

/** payloadType of alpha_channel_info, F.14.2. */
const ALPHA_CHANNEL_INFO = 165;

/** Whether a NAL unit is of the base layer: nuh_layer_id, 7.3.1.2. */
export function isBaseLayer(unit: Uint8Array): boolean {
  return (unit[0]! & 1) === 0 && (unit[1] ?? 0) >> 3 === 0;
}

/** What units say of upper layers; `undefined` where they have none. */
export function upperLayersOf(units: readonly Uint8Array[]): UpperLayers | undefined {
  if (units.some(hasAlphaInfo)) return "transparency";
  return units.every(isBaseLayer) ? undefined : "unknown";
}

/** sei_message of a prefix SEI, 7.3.5. */
function hasAlphaInfo(unit: Uint8Array): boolean {
  if (hevcNalType(unit[0]!) !== HEVC_NAL.prefixSei) return false;
  for (let at = 2; at + 1 < unit.length;) {
    const sum = () => {
      let value = 0;
      while (unit[at] === 0xff) value += unit[at++]!;
      return value + (unit[at++] ?? 0);
    };
    const type = sum();
    const size = sum();
    if (type === ALPHA_CHANNEL_INFO) return true;
    at += size;
  }
  return false;
}

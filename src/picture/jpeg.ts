/**
 * Pictures as JPEG.
 *
 * @module
 */
import { encode } from "jpeg-js";
import type { Picture } from "./rgb.ts";

/** From 1 to 100, as libjpeg counts: 80 hides its losses in a moving picture. */
const QUALITY = 80;

/** Encodes a picture as baseline JPEG (ITU-T T.81) with all its colour samples; without alpha. */
export function encodeJpeg(picture: Picture): Uint8Array<ArrayBuffer> {
  const { width, height } = picture;
  // The encoder's result may be a window on memory that others use.
  return new Uint8Array(encode({ data: rgba(picture), width, height }, QUALITY).data);
}

function rgba({ data, channels, width, height }: Picture): Uint8Array {
  if (channels === 4) return data;
  const out = new Uint8Array(width * height * 4);
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let from = 0, to = 0; to < out.length; from += channels, to += 4) {
    out[to] = data[from]!;
    out[to + 1] = data[from + green]!;
    out[to + 2] = data[from + blue]!;
  }
  return out;
}

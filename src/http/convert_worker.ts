/**
 * The thread that converts pictures, so that the relay's own never waits for it.
 *
 * @module
 */
import { inflateSync } from "node:zlib";
import type { StreamConfig } from "../core/frame.ts";
import { messageOf } from "../errors.ts";
import { threadScope } from "../host/thread.ts";
import { encodeJpeg } from "../picture/jpeg.ts";
import { framePicture } from "../picture/frame_picture.ts";
import { encodePng } from "../picture/png.ts";
import { decodePng } from "../picture/png_decoder.ts";
import type { Picture } from "../picture/rgb.ts";

/** A frame to convert. */
export interface ConvertRequest {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly config: StreamConfig;
  /** Whether the frame itself is a PNG image. */
  readonly isPng: boolean;
  readonly to: "jpeg" | "png";
  /** Most pixels of a picture. */
  readonly maxPixels: number;
}

/** What became of it. */
export interface ConvertAnswer {
  /** The picture, or why there is none. */
  readonly result: Uint8Array<ArrayBuffer> | string;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
}

const scope = threadScope<ConvertRequest, ConvertAnswer>();

scope.onmessage = ({ data: request }) => {
  const beganMs = performance.now();
  const tookMs = () => performance.now() - beganMs;
  try {
    const picture = pictureOf(request);
    const result = request.to === "jpeg" ? encodeJpeg(picture) : encodePng(picture);
    scope.postMessage({ result, tookMs: tookMs() }, [result.buffer]);
  } catch (error) {
    scope.postMessage({ result: messageOf(error), tookMs: tookMs() }, []);
  }
};

function pictureOf({ data, config, isPng, maxPixels }: ConvertRequest): Picture {
  if (!isPng) return framePicture(data, config);
  return decodePng(data, {
    inflate: (packed, maxBytes) => inflateSync(packed, { maxOutputLength: maxBytes }),
    maxPixels,
  });
}

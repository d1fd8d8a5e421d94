/**
 * Pictures that are not compressed, as what a canvas takes.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { layoutOf, pictureBytes, type PixelLayout } from "../core/pixel_format.ts";
import { hasFullRange } from "../picture/frame_picture.ts";
import { toRgb } from "../picture/rgb.ts";

/** What WebCodecs calls the pixel formats that it has. */
const FRAME_FORMATS: ReadonlyMap<string, VideoPixelFormat> = new Map([
  ["rgba", "RGBA"],
  ["bgra", "BGRA"],
  ["rgb0", "RGBX"],
  ["bgr0", "BGRX"],
  ["yuv420p", "I420"],
  ["yuv422p", "I422"],
  ["yuv444p", "I444"],
  ["yuva420p", "I420A"],
  ["nv12", "NV12"],
]);

/** The colours of YUV: BT.601's matrix alone, with the screen's own primaries and transfer. */
const BT601 = {
  matrix: "smpte170m",
  primaries: "bt709",
  transfer: "iec61966-2-1",
} as const;

/** A picture's kind and size, once it is known that it can be shown. */
export interface PixelPicture {
  /** Pixel format under its ffmpeg name. */
  readonly pixelFormat: string;
  readonly layout: PixelLayout;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Bytes of one picture without anything around it. */
  readonly bytes: number;
  /** Whether samples of YUV use all their values. */
  readonly fullRange: boolean;
}

/** What is needed to show pictures of that kind and size; `undefined` where they are not known. */
export function pixelPicture(
  config: Pick<StreamConfig, "pixelFormat" | "width" | "height" | "header">,
): PixelPicture | undefined {
  const { pixelFormat, width, height } = config;
  if (pixelFormat === null || width === null || height === null) return undefined;
  const layout = layoutOf(pixelFormat);
  if (layout === undefined) return undefined;
  const bytes = pictureBytes(layout, width, height);
  return { pixelFormat, layout, width, height, bytes, fullRange: hasFullRange(config) };
}

/**
 * The picture as a `VideoFrame`, which the caller closes; `undefined` where WebCodecs does not have
 * the format, or is missing.
 */
export function toVideoFrame(
  data: Uint8Array<ArrayBuffer>,
  { pixelFormat, layout, width, height, fullRange }: PixelPicture,
): VideoFrame | undefined {
  const format = FRAME_FORMATS.get(pixelFormat);
  if (format === undefined || typeof VideoFrame === "undefined") return undefined;
  return new VideoFrame(data, {
    format,
    codedWidth: width,
    codedHeight: height,
    timestamp: 0,
    ...(layout.kind === "planar" && { colorSpace: { ...BT601, fullRange } }),
  });
}

/** The picture as RGBA that is not premultiplied; it may share its bytes with `data`. */
export function toRgba(
  data: Uint8Array<ArrayBuffer>,
  picture: PixelPicture,
): Uint8ClampedArray<ArrayBuffer> {
  const rgba = toRgb(data, { ...picture, rgba: true }).data as Uint8Array<ArrayBuffer>;
  return new Uint8ClampedArray(rgba.buffer, rgba.byteOffset, rgba.byteLength);
}

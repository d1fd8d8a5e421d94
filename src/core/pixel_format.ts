/**
 * Layouts of pictures that are not compressed, under their ffmpeg names.
 *
 * @module
 */

/** Samples that lie side by side, one run of bytes for each pixel (or pair of pixels). */
export interface PackedLayout {
  readonly kind: "packed";
  /** Bytes that one group of pixels takes. */
  readonly groupBytes: number;
  /** Pixels in a group: 1, or 2 where two pixels share their colour. */
  readonly groupPixels: 1 | 2;
}

/** Luma first, then the colour planes, each `ceil(size / 2^shift)` samples wide and high. */
export interface PlanarLayout {
  readonly kind: "planar";
  /** 0 colour planes: gray; 1: interleaved (NV12); 2: U, then V. A 4th plane is alpha. */
  readonly colour: "none" | "interleaved" | "separate";
  /** log2 of the horizontal subsampling of colour. */
  readonly shiftX: 0 | 1 | 2;
  /** log2 of the vertical subsampling of colour. */
  readonly shiftY: 0 | 1 | 2;
  /** Bits that count in a sample; above 8 a sample takes two bytes, little endian. */
  readonly bits: number;
  /** True where a full-size alpha plane follows. */
  readonly alpha: boolean;
}

/** How the samples of a pixel format lie in memory. */
export type PixelLayout = PackedLayout | PlanarLayout;

function packed(groupBytes: number, groupPixels: 1 | 2 = 1): PackedLayout {
  return { kind: "packed", groupBytes, groupPixels };
}

function planar(
  colour: PlanarLayout["colour"],
  shiftX: 0 | 1 | 2,
  shiftY: 0 | 1 | 2,
  bits = 8,
  alpha = false,
): PlanarLayout {
  return { kind: "planar", colour, shiftX, shiftY, bits, alpha };
}

const LAYOUTS: ReadonlyMap<string, PixelLayout> = new Map<string, PixelLayout>([
  ["rgb24", packed(3)],
  ["bgr24", packed(3)],
  ["rgba", packed(4)],
  ["bgra", packed(4)],
  ["rgb0", packed(4)],
  ["bgr0", packed(4)],
  ["yuyv422", packed(4, 2)],
  ["uyvy422", packed(4, 2)],
  ["gray", planar("none", 0, 0)],
  ["gray10le", planar("none", 0, 0, 10)],
  ["gray12le", planar("none", 0, 0, 12)],
  ["gray16le", planar("none", 0, 0, 16)],
  ["yuv420p", planar("separate", 1, 1)],
  ["yuv422p", planar("separate", 1, 0)],
  ["yuv444p", planar("separate", 0, 0)],
  ["yuv411p", planar("separate", 2, 0)],
  ["yuv410p", planar("separate", 2, 2)],
  ["yuva420p", planar("separate", 1, 1, 8, true)],
  ["yuva444p", planar("separate", 0, 0, 8, true)],
  ["nv12", planar("interleaved", 1, 1)],
  ["nv21", planar("interleaved", 1, 1)],
  ...[9, 10, 12, 14, 16].flatMap((bits): [string, PixelLayout][] => [
    [`yuv420p${bits}le`, planar("separate", 1, 1, bits)],
    [`yuv422p${bits}le`, planar("separate", 1, 0, bits)],
    [`yuv444p${bits}le`, planar("separate", 0, 0, bits)],
  ]),
]);

/** Names of all pixel formats that are known. */
export const PIXEL_FORMATS: readonly string[] = [...LAYOUTS.keys()];

/** The layout of `pixelFormat`, or `undefined` where it is not known. */
export function layoutOf(pixelFormat: string): PixelLayout | undefined {
  return LAYOUTS.get(pixelFormat);
}

/**
 * Bytes of one picture of `width` × `height` pixels without padding. Colour planes of odd sizes are
 * rounded up, as ffmpeg does (`AV_CEIL_RSHIFT`).
 */
export function pictureBytes(layout: PixelLayout, width: number, height: number): number {
  if (layout.kind === "packed") {
    return Math.ceil(width / layout.groupPixels) * layout.groupBytes * height;
  }
  const sampleBytes = layout.bits > 8 ? 2 : 1;
  const colourWidth = Math.ceil(width / 2 ** layout.shiftX);
  const colourHeight = Math.ceil(height / 2 ** layout.shiftY);
  const colourSamples = layout.colour === "none" ? 0 : 2 * colourWidth * colourHeight;
  const lumaSamples = width * height * (layout.alpha ? 2 : 1);
  return (lumaSamples + colourSamples) * sampleBytes;
}

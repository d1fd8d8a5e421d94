// @ts-check
/// <reference lib="dom" />
/**
 * Pictures that are not compressed, as what a canvas takes. Colours are those of the relay's own
 * conversion (src/picture/rgb.ts): BT.601, black at 16 and white at 235 unless Y4M's header says
 * `XCOLORRANGE=FULL`, colour samples not interpolated; gray and RGB use all values.
 *
 * @module
 */

/** @typedef {import("./wire.js").Config} Config */

/**
 * How samples lie in memory. `packed`: positions of red, green, blue (and alpha) in a pixel of `step`
 * bytes. `pair`: positions of luma, U and V in two pixels. `planar`: luma, then colour planes.
 *
 * @typedef {{ kind: "packed", step: number, order: readonly number[], frame?: VideoPixelFormat }} Packed
 * @typedef {{ kind: "pair", y: number, u: number, v: number }} Pair
 * @typedef {object} Planar
 * @property {"planar"} kind
 * @property {"none" | "uv" | "vu" | "separate"} colour no colour, interleaved, or a plane for each
 * @property {number} shiftX log2 of how many pixels beside each other share their colour
 * @property {number} shiftY likewise below each other
 * @property {number} bits that count in a sample; above 8 a sample has two bytes
 * @property {boolean} alpha whether a plane of alpha follows
 * @property {VideoPixelFormat} [frame] WebCodecs' name, where it has one
 * @typedef {Packed | Pair | Planar} Layout
 */

/** @type {(step: number, order: readonly number[], frame?: VideoPixelFormat) => Packed} */
const packed = (step, order, frame) => ({ kind: "packed", step, order, ...(frame && { frame }) });

/** @type {(colour: Planar["colour"], x: number, y: number, rest?: Partial<Planar>) => Planar} */
const planar = (colour, shiftX, shiftY, rest = {}) => ({
  kind: "planar",
  colour,
  shiftX,
  shiftY,
  bits: 8,
  alpha: false,
  ...rest,
});

/** @type {ReadonlyMap<string, Layout>} */
const LAYOUTS = new Map(
  /** @type {[string, Layout][]} */ ([
    ["rgb24", packed(3, [0, 1, 2])],
    ["bgr24", packed(3, [2, 1, 0])],
    ["rgba", packed(4, [0, 1, 2, 3], "RGBA")],
    ["bgra", packed(4, [2, 1, 0, 3], "BGRA")],
    ["rgb0", packed(4, [0, 1, 2], "RGBX")],
    ["bgr0", packed(4, [2, 1, 0], "BGRX")],
    ["yuyv422", { kind: "pair", y: 0, u: 1, v: 3 }],
    ["uyvy422", { kind: "pair", y: 1, u: 0, v: 2 }],
    ["gray", planar("none", 0, 0)],
    ...[10, 12, 16].map((bits) => [`gray${bits}le`, planar("none", 0, 0, { bits })]),
    ["yuv420p", planar("separate", 1, 1, { frame: "I420" })],
    ["yuv422p", planar("separate", 1, 0, { frame: "I422" })],
    ["yuv444p", planar("separate", 0, 0, { frame: "I444" })],
    ["yuv411p", planar("separate", 2, 0)],
    ["yuv410p", planar("separate", 2, 2)],
    ["yuva420p", planar("separate", 1, 1, { alpha: true, frame: "I420A" })],
    ["yuva444p", planar("separate", 0, 0, { alpha: true })],
    ["nv12", planar("uv", 1, 1, { frame: "NV12" })],
    ["nv21", planar("vu", 1, 1)],
    ...[9, 10, 12, 14, 16].flatMap((bits) => [
      [`yuv420p${bits}le`, planar("separate", 1, 1, { bits })],
      [`yuv422p${bits}le`, planar("separate", 1, 0, { bits })],
      [`yuv444p${bits}le`, planar("separate", 0, 0, { bits })],
    ]),
  ]),
);

/** The colours of YUV: BT.601's matrix alone, with the screen's own primaries and transfer. */
const BT601 = /** @type {const} */ ({
  matrix: "smpte170m",
  primaries: "bt709",
  transfer: "iec61966-2-1",
});

/**
 * A picture's kind and size, once it is known that it can be shown.
 *
 * @typedef {object} PixelPicture
 * @property {Layout} layout
 * @property {number} width
 * @property {number} height
 * @property {number} bytes of one picture without anything around it
 * @property {boolean} fullRange whether samples of YUV use all their values
 */

/**
 * What is needed to show pictures of that format and size; `undefined` where they are not known.
 *
 * @param {Pick<Config, "pixelFormat" | "width" | "height" | "header">} config
 * @returns {PixelPicture | undefined}
 */
export function pixelPicture({ pixelFormat, width, height, header }) {
  const layout = pixelFormat === null ? undefined : LAYOUTS.get(pixelFormat);
  if (layout === undefined || width === null || height === null) return undefined;
  const fullRange = header?.trim().split(" ").includes("XCOLORRANGE=FULL") === true;
  return { layout, width, height, fullRange, bytes: pictureBytes(layout, width, height) };
}

/**
 * @param {Layout} layout
 * @param {number} width
 * @param {number} height
 * @returns {number}
 */
function pictureBytes(layout, width, height) {
  if (layout.kind === "packed") return layout.step * width * height;
  if (layout.kind === "pair") return Math.ceil(width / 2) * 4 * height;
  const colourArea = Math.ceil(width / 2 ** layout.shiftX) * Math.ceil(height / 2 ** layout.shiftY);
  const colour = layout.colour === "none" ? 0 : 2 * colourArea;
  return (width * height * (layout.alpha ? 2 : 1) + colour) * (layout.bits > 8 ? 2 : 1);
}

/**
 * The picture in a frame: for Y4M, what stands behind the line `FRAME`.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {"raw" | "y4m"} format
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function pixelsOf(data, format) {
  return format === "raw" ? data : data.subarray(data.indexOf(10) + 1);
}

/**
 * The picture as a `VideoFrame`, which the caller closes; `undefined` where WebCodecs does not have
 * the format, or is missing.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {PixelPicture} picture
 * @returns {VideoFrame | undefined}
 */
export function toVideoFrame(data, { layout, width, height, fullRange }) {
  if (layout.kind === "pair" || layout.frame === undefined) return undefined;
  if (typeof VideoFrame === "undefined") return undefined;
  return new VideoFrame(data, {
    format: layout.frame,
    codedWidth: width,
    codedHeight: height,
    timestamp: 0,
    ...(layout.kind === "planar" && { colorSpace: { ...BT601, fullRange } }),
  });
}

/**
 * The picture as RGBA that is not premultiplied; it may share its bytes with `data`.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {PixelPicture} picture
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function toRgba(data, picture) {
  const { layout, width, height, fullRange } = picture;
  if (layout.kind === "packed") return fromPacked(data, layout);
  if (layout.kind === "planar" && layout.colour === "none") return fromGray(data, layout.bits);
  const out = new Uint8ClampedArray(width * height * 4);
  const yuv = layout.kind === "pair" ? pairs(data, layout, width) : planes(data, layout, picture);
  fromYuv(out, yuv, fullRange);
  return out;
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {Packed} layout
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
function fromPacked(data, { step, order }) {
  if (order.length === 4 && order[0] === 0) {
    return new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength);
  }
  const [r = 0, g = 0, b = 0, a] = order;
  const out = new Uint8ClampedArray(data.length / step * 4);
  for (let from = 0, to = 0; from < data.length; from += step, to += 4) {
    out[to] = Number(data[from + r]);
    out[to + 1] = Number(data[from + g]);
    out[to + 2] = Number(data[from + b]);
    out[to + 3] = a === undefined ? 255 : Number(data[from + a]);
  }
  return out;
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} bits
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
function fromGray(data, bits) {
  const samples = samplesOf(data, bits);
  const out = new Uint8ClampedArray(samples.length * 4);
  const scale = 255 / (2 ** bits - 1);
  for (let i = 0, to = 0; i < samples.length; i++, to += 4) {
    const value = Number(samples[i]) * scale;
    out[to] = value;
    out[to + 1] = value;
    out[to + 2] = value;
    out[to + 3] = 255;
  }
  return out;
}

/**
 * The samples of planes; above 8 bits little endian, as every machine is on which browsers run.
 *
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} bits
 * @returns {Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>}
 */
function samplesOf(data, bits) {
  if (bits === 8) return data;
  const even = data.byteOffset % 2 === 0 ? data : data.slice();
  return new Uint16Array(even.buffer, even.byteOffset, even.length >> 1);
}

/**
 * Where the samples of YUV are: a plane is `[first sample, samples from one to the next, from one row
 * to the next]`.
 *
 * @typedef {readonly [offset: number, step: number, row: number]} Plane
 * @typedef {object} Yuv
 * @property {Uint8Array | Uint16Array} samples
 * @property {number} bits
 * @property {number} width
 * @property {Plane} luma
 * @property {Plane} u
 * @property {Plane} v
 * @property {Plane | undefined} alpha
 * @property {number} shiftX
 * @property {number} shiftY
 */

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {Planar} layout
 * @param {{ width: number, height: number }} size
 * @returns {Yuv}
 */
function planes(data, { colour, shiftX, shiftY, bits, alpha }, { width, height }) {
  const row = Math.ceil(width / 2 ** shiftX);
  const area = width * height;
  const colourArea = row * Math.ceil(height / 2 ** shiftY);
  /** @type {[Plane, Plane]} */
  const [first, second] = colour === "separate"
    ? [[area, 1, row], [area + colourArea, 1, row]]
    : [[area, 2, 2 * row], [area + 1, 2, 2 * row]];
  return {
    samples: samplesOf(data, bits),
    bits,
    width,
    luma: [0, 1, width],
    u: colour === "vu" ? second : first,
    v: colour === "vu" ? first : second,
    alpha: alpha ? [area + 2 * colourArea, 1, width] : undefined,
    shiftX,
    shiftY,
  };
}

/**
 * @param {Uint8Array<ArrayBuffer>} samples
 * @param {Pair} layout
 * @param {number} width
 * @returns {Yuv}
 */
function pairs(samples, { y, u, v }, width) {
  const row = Math.ceil(width / 2) * 4;
  return {
    samples,
    bits: 8,
    width,
    luma: [y, 2, row],
    u: [u, 4, row],
    v: [v, 4, row],
    alpha: undefined,
    shiftX: 1,
    shiftY: 0,
  };
}

/**
 * @param {Uint8ClampedArray} out
 * @param {Yuv} source
 * @param {boolean} fullRange
 */
function fromYuv(
  out,
  { samples, bits, width, luma, u, v, alpha, shiftX, shiftY },
  fullRange,
) {
  const unit = 2 ** (bits - 8);
  const alphaScale = 255 / (2 ** bits - 1);
  const scale = fullRange ? alphaScale : 255 / (219 * unit);
  const colourScale = fullRange ? alphaScale : 255 / (224 * unit);
  const neutral = 128 * unit;
  const black = fullRange ? 0 : 16 * unit * scale;
  const shared = 1 << shiftX;
  let to = 0;
  for (let y = 0; to < out.length; y++) {
    let at = luma[0] + y * luma[2];
    let uAt = u[0] + (y >> shiftY) * u[2];
    let vAt = v[0] + (y >> shiftY) * v[2];
    let alphaAt = alpha === undefined ? 0 : alpha[0] + y * alpha[2];
    for (let x = 0; x < width; x += shared) {
      const cb = (Number(samples[uAt]) - neutral) * colourScale;
      const cr = (Number(samples[vAt]) - neutral) * colourScale;
      uAt += u[1];
      vAt += v[1];
      // ITU-R BT.601-7 clause 2.5: red 0.299, green 0.587, blue 0.114.
      const r = 1.402 * cr - black;
      const g = -0.344136 * cb - 0.714136 * cr - black;
      const b = 1.772 * cb - black;
      const end = Math.min(shared, width - x);
      for (let i = 0; i < end; i++) {
        const value = Number(samples[at]) * scale;
        at += luma[1];
        out[to] = value + r;
        out[to + 1] = value + g;
        out[to + 2] = value + b;
        out[to + 3] = alpha === undefined ? 255 : Number(samples[alphaAt++]) * alphaScale;
        to += 4;
      }
    }
  }
}

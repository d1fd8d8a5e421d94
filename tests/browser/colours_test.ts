/** Every format's colours on the canvas: in all corners, in the middle, in odd sizes. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { type RunningRelay, startRelay } from "../program.ts";
import { Browser, NO_CHROMIUM, type OpenPage } from "./browser.ts";
import { type Input, Publishing } from "./publishing.ts";
import { PATIENCE_MS } from "../waiting.ts";

type Rgb = readonly [red: number, green: number, blue: number];

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Pattern {
  readonly title: string;
  readonly size: Size;
  readonly input: Input;
  /** How far each colour may be off. */
  readonly tolerance: number;
  /** The bytes of the stream. */
  readonly make: () => Promise<Uint8Array>;
}

const EVEN: Size = { width: 48, height: 32 };
const ODD: Size = { width: 37, height: 23 };
const COLOURS: readonly Rgb[] = [
  [200, 30, 40],
  [30, 170, 60],
  [40, 60, 210],
  [220, 200, 40],
  [180, 90, 200],
];
/** Removes WebCodecs, as a page has it that is not secure. */
const WITHOUT_WEBCODECS = `
  for (const name of ["VideoDecoder", "VideoFrame", "EncodedVideoChunk", "ImageDecoder"]) {
    delete globalThis[name];
  }
`;
/** The relay serves all of them. */
const HANGS_MS = 600_000;

/** A gray picture in rgb24 with a colour in each corner and in the middle. */
function picture({ width, height }: Size): Uint8Array {
  const pixels = new Uint8Array(width * height * 3).fill(128);
  const [blockWidth, blockHeight] = [(width >> 3) * 2, (height >> 3) * 2];
  for (const [index, { x, y }] of places({ width, height }).entries()) {
    const left = Math.max(0, x - blockWidth) & ~1;
    const top = Math.max(0, y - blockHeight) & ~1;
    for (let row = top; row < Math.min(height, y + blockHeight); row++) {
      for (let column = left; column < Math.min(width, x + blockWidth); column++) {
        pixels.set(COLOURS[index]!, (row * width + column) * 3);
      }
    }
  }
  return pixels;
}

/** Corners and middle. */
function places({ width, height }: Size): { x: number; y: number }[] {
  const [right, bottom] = [width - 1, height - 1];
  return [
    { x: 0, y: 0 },
    { x: right, y: 0 },
    { x: 0, y: bottom },
    { x: right, y: bottom },
    { x: width >> 1, y: height >> 1 },
  ];
}

/** BT.601 with black at 16 and white at 235 (ITU-R BT.601-7 clause 2.5). */
function toYuv([r, g, b]: Rgb): Rgb {
  const luma = 0.299 * r + 0.587 * g + 0.114 * b;
  const [cb, cr] = [(b - luma) / 1.772, (r - luma) / 1.402];
  const round = (value: number) => Math.round(value / 255);
  return [16 + round(luma * 219), 128 + round(cb * 224), 128 + round(cr * 224)];
}

/**
 * The picture in a planar format, made here: ffmpeg mixes gray into the last column of odd widths.
 * Blocks begin at even places, so that no colour sample is shared with them.
 */
function planar(pixelFormat: string, { width, height }: Size): Uint8Array {
  const rgb = picture({ width, height });
  const [shiftX, shiftY] = pixelFormat === "yuv444p"
    ? [0, 0]
    : [1, pixelFormat === "yuv422p" ? 0 : 1];
  const plane = (component: 0 | 1 | 2, stepX: number, stepY: number) => {
    const samples = [];
    for (let y = 0; y < height; y += stepY) {
      for (let x = 0; x < width; x += stepX) {
        const [r = 0, g = 0, b = 0] = rgb.subarray((y * width + x) * 3);
        samples.push(toYuv([r, g, b])[component]);
      }
    }
    return samples;
  };
  const [u, v] = [plane(1, 1 << shiftX, 1 << shiftY), plane(2, 1 << shiftX, 1 << shiftY)];
  const colour = pixelFormat === "nv12"
    ? u.flatMap((value, index) => [value, v[index]!])
    : [...u, ...v];
  return Uint8Array.from([...plane(0, 1, 1), ...colour]);
}

const PLANAR = ["yuv420p", "yuv422p", "yuv444p", "nv12"];

function raw(pixelFormat: string, size: Size): Pattern {
  const encode = ["-pix_fmt", pixelFormat, "-f", "rawvideo", "-"];
  return {
    title: `raw ${pixelFormat}, ${size.width}x${size.height}`,
    size,
    input: { format: "raw", ...size, pixelFormat },
    tolerance: 3,
    make: () =>
      PLANAR.includes(pixelFormat)
        ? Promise.resolve(planar(pixelFormat, size))
        : ffmpeg([...rawInput("rgb24", size), ...encode], picture(size)),
  };
}

function y4m(pixelFormat: string, size: Size, range: "tv" | "pc" = "tv"): Pattern {
  const convert = ["-vf", "scale=in_range=tv:out_range=pc", "-color_range", "pc"];
  const encode = [...range === "pc" ? convert : [], "-f", "yuv4mpegpipe", "-"];
  return {
    title: `y4m ${pixelFormat}, ${size.width}x${size.height}, range ${range}`,
    size,
    input: { format: "y4m" },
    tolerance: 3,
    make: () => ffmpeg([...rawInput(pixelFormat, size), ...encode], planar(pixelFormat, size)),
  };
}

function coded(format: "mjpeg" | "png", size: Size, encode: readonly string[]): Pattern {
  return {
    title: `${format}, ${size.width}x${size.height}`,
    size,
    input: { format },
    tolerance: 10,
    make: () => ffmpeg([...rawInput("rgb24", size), ...encode, "-"], picture(size)),
  };
}

function video(
  format: "h264" | "ivf",
  title: string,
  size: Size,
  encoder: readonly string[],
  matrix?: "bt709",
): Pattern {
  const told = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
  const convert = ["-vf", "scale=in_color_matrix=bt601:out_color_matrix=bt709", ...told];
  const pixelFormat = title.includes("4:4:4") ? "yuv444p" : "yuv420p";
  return {
    title: `${title}, ${size.width}x${size.height}${matrix === undefined ? "" : `, ${matrix}`}`,
    size,
    input: { format },
    tolerance: 14,
    make: () => {
      // Some copies, so that encoders with a bit rate get it right.
      const one = planar(pixelFormat, size);
      const copies = new Uint8Array(Array.from({ length: 6 }, () => [...one]).flat());
      const output = [...matrix === undefined ? [] : convert, ...encoder, "-f", format, "-"];
      return ffmpeg([...rawInput(pixelFormat, size), ...output], copies);
    },
  };
}

function rawInput(pixelFormat: string, { width, height }: Size): string[] {
  return ["-f", "rawvideo", "-pix_fmt", pixelFormat, "-s", `${width}x${height}`, "-i", "-"];
}

const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-qp", "8"];
const VP8 = ["-c:v", "libvpx", "-b:v", "4M", "-qmax", "6"];
const VP9 = ["-c:v", "libvpx-vp9", "-b:v", "4M", "-qmax", "6"];
const AV1 = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-crf", "6"];

const PIXELS: readonly Pattern[] = [
  ...["rgb24", "bgr24", "rgba", "bgra", "rgb0", "gray", "yuyv422", "yuv420p10le"].map((name) =>
    raw(name, EVEN)
  ),
  ...["yuv420p", "yuv422p", "yuv444p", "nv12"].flatMap((name) => [raw(name, EVEN), raw(name, ODD)]),
  raw("rgb24", ODD),
  ...["yuv420p", "yuv422p", "yuv444p"].flatMap((name) => [y4m(name, EVEN), y4m(name, ODD)]),
  y4m("yuv420p", EVEN, "pc"),
];

/** Those for which WebCodecs has a pixel format: without it they are converted here. */
const FRAMES: readonly Pattern[] = PIXELS.filter(({ title }) =>
  /^raw (rgba|bgra|rgb0|yuv...p|nv12),|^y4m yuv420p,/.test(title)
);

const PICTURES: readonly Pattern[] = [EVEN, ODD].flatMap((size) => [
  coded("mjpeg", size, ["-c:v", "mjpeg", "-pix_fmt", "yuvj444p", "-q:v", "1", "-f", "mjpeg"]),
  coded("png", size, ["-c:v", "png", "-f", "image2pipe"]),
]);

const VIDEO: readonly Pattern[] = [
  video("h264", "h264", EVEN, X264),
  video("h264", "h264", { width: 38, height: 22 }, X264),
  video("h264", "h264 4:4:4", ODD, X264),
  video("ivf", "vp8", EVEN, VP8),
  video("ivf", "vp8", ODD, VP8),
  video("ivf", "vp9", EVEN, VP9),
  video("ivf", "vp9", ODD, VP9),
  video("h264", "h264", EVEN, X264, "bt709"),
  video("ivf", "vp9", EVEN, VP9, "bt709"),
  video("ivf", "av1", EVEN, AV1, "bt709"),
  video("ivf", "av1", EVEN, AV1),
  video("ivf", "av1", ODD, AV1),
];

/** The pixels at the places, as the canvas has them; none before the first picture. */
async function seen(page: OpenPage, size: Size): Promise<readonly Rgb[]> {
  return await page.evaluate(({ places, size }) => {
    const canvas = document.querySelector("stream-player")!.shadowRoot!.querySelector("canvas")!;
    if (canvas.width !== size.width || canvas.height !== size.height) return [];
    const context = canvas.getContext("2d")!;
    return places.map(({ x, y }): [number, number, number] => {
      const [red = 0, green = 0, blue = 0] = context.getImageData(x, y, 1, 1).data;
      return [red, green, blue];
    });
  }, { places: places(size), size });
}

function expected({ title }: Pattern): readonly Rgb[] {
  if (!title.startsWith("raw gray")) return COLOURS;
  // BT.601, as ffmpeg makes gray.
  return COLOURS.map(([r, g, b]) => {
    const gray = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    return [gray, gray, gray];
  });
}

async function assertColours(page: OpenPage, pattern: Pattern): Promise<void> {
  const wanted = expected(pattern);
  const isRight = (found: readonly Rgb[]) =>
    found.length > 0 &&
    found.every((rgb, index) =>
      rgb.every((value, channel) => Math.abs(value - wanted[index]![channel]!) <= pattern.tolerance)
    );
  const untilMs = performance.now() + PATIENCE_MS;
  let found: readonly Rgb[] = [];
  while (!isRight(found) && performance.now() < untilMs) {
    found = await seen(page, pattern.size);
  }
  const said = await page.textContent("#sentence");
  assert(
    isRight(found),
    `${pattern.title}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}: ${said}`,
  );
  await page.waitForFunction(() => document.getElementById("sentence")!.textContent === "");
}

async function assertShown(page: OpenPage, relay: RunningRelay, pattern: Pattern): Promise<void> {
  const url = relay.url(`s-${crypto.randomUUID()}`);
  await using _publishing = Publishing.still(url, await pattern.make(), pattern.input);
  await page.goto(url.replace("ws:", "http:"));
  await assertColours(page, pattern);
  assertEquals(page.errors, []);
}

Deno.test(needs(NO_CHROMIUM ?? NO_FFMPEG, "the player shows each format's colours"), async (t) => {
  await using relay = await startRelay(["--fps", "source"], { hangsMs: HANGS_MS });
  await using browser = await Browser.start();
  await using page = await browser.open();
  for (const pattern of [...PIXELS, ...PICTURES, ...VIDEO]) {
    await t.step(pattern.title, () => assertShown(page, relay, pattern));
  }
  await using bare = await browser.open({ script: WITHOUT_WEBCODECS });
  for (const pattern of FRAMES) {
    await t.step(`${pattern.title}, without WebCodecs`, () => assertShown(bare, relay, pattern));
  }
});

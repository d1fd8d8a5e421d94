/**
 * Where a viewer's frames go, as the command line names it.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS, frameFormatOf, STREAM_FORMATS } from "../core/stream_format.ts";
import { StreamError } from "../errors.ts";
import { frameToPng } from "../picture/png.ts";

/** The extension, without a point, of a file that holds one frame. */
export function extensionOf(config: StreamConfig): string {
  return FORMAT_FACTS[frameFormatOf(config)].extension;
}

/** A name with a number in it: `before`, the number with at least `digits` digits, `after`. */
export interface NumberedName {
  readonly before: string;
  readonly digits: number;
  readonly after: string;
}

/**
 * Reads a pattern with one `%d` (or `%06d`) as ffmpeg's image2 has it; `%%` is a percent sign.
 * `undefined` where there is no number in it.
 *
 * @throws {StreamError} (`usage`) for more than one number or another conversion
 */
export function parsePattern(pattern: string): NumberedName | undefined {
  const parts: string[] = [""];
  let digits = 0;
  for (const [piece] of pattern.matchAll(/%[0-9]*.|[^%]+|%/g)) {
    const number = /^%(?:0?(\d+))?d$/.exec(piece);
    if (number !== null) {
      digits = Number(number[1] ?? 1);
      parts.push("");
    } else if (piece === "%%") {
      parts[parts.length - 1] += "%";
    } else if (piece.startsWith("%")) {
      throw patternError(pattern, `"${piece}" is not a number`);
    } else {
      parts[parts.length - 1] += piece;
    }
  }
  if (parts.length > 2) throw patternError(pattern, "it has more than one number");
  if (digits > 20) throw patternError(pattern, "its number has more than 20 digits");
  return parts.length === 2 ? { before: parts[0]!, digits, after: parts[1]! } : undefined;
}

/** The name with `number` in it. */
export function numbered({ before, digits, after }: NumberedName, number: number): string {
  return `${before}${String(number).padStart(digits, "0")}${after}`;
}

/**
 * The bytes of a file that holds one frame. A name that ends in `.png` asks for a picture, which raw
 * and Y4M frames are made into; a Y4M frame in a file of its own gets its header.
 *
 * @throws {StreamError} (`usage`) when the name asks for a format that the frame cannot be had in
 */
export function frameFile(
  name: string,
  data: Uint8Array<ArrayBuffer>,
  config: StreamConfig,
): Uint8Array {
  const has = extensionOf(config);
  const isPixels = FORMAT_FACTS[config.format].picture === "pixels";
  if (isPixels && /\.png$/i.test(name)) return frameToPng(data, config);
  checkName(name, config);
  return has === "y4m" ? concat([headerBytes(config), data]) : data;
}

/** Refuses a name that says another format than the frames have. */
function checkName(name: string, config: StreamConfig): void {
  const ending = endingOf(name);
  const wanted = STREAM_FORMATS.find((format) => FORMAT_FACTS[format].extensions.includes(ending));
  const has = extensionOf(config);
  if (wanted === undefined || FORMAT_FACTS[wanted].extension === has) return;
  throw new StreamError(
    "usage",
    `Cannot write ${name}: the stream's format is ${config.format}; ` +
      `use a name that ends in .${has}, or convert with ffmpeg`,
  );
}

/** Endings of files that are not written here. */
const FOREIGN_ENDINGS: ReadonlySet<string> = new Set(
  ("avi ts mts m2ts m2t mpg mpeg m2v vob flv f4v wmv asf ogg ogv nut mxf 3gp 3g2 rm swf mka mks " +
    "m3u8 mpd sdp mpjpeg " +
    "gif apng webp avif heic heif jxl jp2 j2k bmp tif tiff ppm pgm pnm qoi svg tga exr pdf " +
    "zip tar gz tgz bz2 xz zst 7z rar mp3 m4a aac wav flac opus txt json html exe").split(" "),
);

/**
 * Refuses an output of which the name says something that is not written here.
 *
 * @throws {StreamError} (`usage`) with the endings that are
 */
export function refuseForeignName(output: string): void {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(output)) {
    throw new StreamError(
      "usage",
      `Cannot use "${output}" as --output: it is an address, not a file; pipe the output on: ` +
        `stream watch --output - | ffmpeg -i - -c copy -f FORMAT ${output}`,
    );
  }
  const ending = endingOf(output);
  if (!FOREIGN_ENDINGS.has(ending)) return;
  throw new StreamError(
    "usage",
    `Cannot use "${output}" as --output: .${ending} files cannot be written; a recording ` +
      "ends in .mp4, .mov, .mkv, .webm, .ivf, .h264, .hevc, .mjpeg or .y4m, pictures in %d.jpg or " +
      `%d.png; or pipe the output on: stream watch --output - | ffmpeg -i - -c copy ${output}`,
  );
}

function endingOf(name: string): string {
  return /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
}

/** A run of frames in one file or pipe, in the stream's own format. */
export class FrameRun {
  readonly #name: string;
  #config: StreamConfig = bareConfig("raw");
  #isFirst = true;

  /** `name` is the file's; one that ends in `.png` asks for pictures. */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * The bytes that put the next frame behind what is there: what the publisher read.
   *
   * @throws {StreamError} (`failed`) when the run cannot go on in the frame's format
   */
  next(data: Uint8Array<ArrayBuffer>, config: StreamConfig): Uint8Array {
    const isFirst = this.#isFirst;
    const previous = this.#config;
    this.#isFirst = false;
    this.#config = config;
    if (/\.png$/i.test(this.#name)) return frameFile(this.#name, data, config);
    const isOther = previous.format !== config.format || previous.header !== config.header;
    if (!isFirst && isOther) {
      throw new StreamError(
        "failed",
        `Cannot continue ${this.#name}: the stream's format changed from ` +
          `${describe(previous)} to ${describe(config)}; write each frame to its own file`,
      );
    }
    checkName(this.#name, config);
    if (config.format === "lp32") {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, data.byteLength);
      return concat([length, data]);
    }
    return isFirst && config.format === "y4m" ? concat([headerBytes(config), data]) : data;
  }
}

function describe({ format, width, height }: StreamConfig): string {
  return width === null ? format : `${format} ${width}x${height}`;
}

function headerBytes(config: StreamConfig): Uint8Array {
  return new TextEncoder().encode(`${config.header ?? ""}\n`);
}

function patternError(pattern: string, why: string): StreamError {
  return new StreamError(
    "usage",
    `Cannot use "${pattern}" as --output: ${why}; a pattern looks like frames/%06d.jpg`,
  );
}

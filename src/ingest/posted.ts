/**
 * What a request to publish asks for.
 *
 * @module
 */
import { layoutOf, PIXEL_FORMATS } from "../core/pixel_format.ts";
import { type Container, CONTAINERS } from "../media/containers.ts";
import type { SelfDelimitingFormat } from "../split/create.ts";
import { INPUT_FORMATS } from "../split/detect.ts";

/** What may be asked for beside the name; others have their meaning elsewhere. */
const PARAMETERS: readonly string[] = [
  "format",
  "size",
  "pixel-format",
  "on-full",
  "takeover",
  "token",
];
/** Largest side of a picture in pixels. */
const MAX_SIDE = 65_535;

/** A request that is answered with this status and sentence. */
export class PostFault extends Error {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

/** How the body of a request is to be published. */
export interface Posted {
  readonly input: PostedInput;
  readonly onFull: "wait" | "drop";
  readonly takeover: boolean;
}

/**
 * Reads what is asked for.
 *
 * @throws {PostFault} 400 or 415 where that makes no sense
 */
export function readPosted(
  { headers }: Request,
  { searchParams: given }: URL,
  { maxFrameBytes }: { readonly maxFrameBytes: number },
): Posted {
  const coding = headers.get("content-encoding") ?? "identity";
  if (coding !== "identity") {
    throw new PostFault(415, `the body is packed (${coding}); send it as it is`);
  }
  for (const name of given.keys()) {
    if (PARAMETERS.includes(name)) continue;
    const known = PARAMETERS.filter((each) => each !== "token").join(", ");
    throw new PostFault(400, `there is no parameter ${JSON.stringify(name)}; there are ${known}`);
  }
  const onFull = given.get("on-full") ?? "wait";
  if (onFull !== "wait" && onFull !== "drop") {
    throw new PostFault(400, `on-full is ${JSON.stringify(onFull)}, neither wait nor drop`);
  }
  const takeover = given.get("takeover") ?? "false";
  if (!["", "true", "false"].includes(takeover)) {
    throw new PostFault(400, `takeover is ${JSON.stringify(takeover)}, neither true nor false`);
  }
  return {
    input: { ...formatOf(given), maxFrameBytes },
    onFull,
    takeover: takeover !== "false",
  };
}

type Format =
  | { readonly resyncs: true; readonly format: "auto" | Container | SelfDelimitingFormat }
  | {
    readonly format: "raw";
    readonly width: number;
    readonly height: number;
    readonly pixelFormat: string;
  };

/** What the body is. */
export type PostedInput = Format & { readonly maxFrameBytes: number };

const FORMATS: readonly string[] = ["auto", ...INPUT_FORMATS, ...CONTAINERS];

function formatOf(given: URLSearchParams): Format {
  const size = given.get("size");
  const pixelFormat = given.get("pixel-format");
  const isDescribed = size !== null || pixelFormat !== null;
  const format = given.get("format") ?? (isDescribed ? "raw" : "auto");
  if (!FORMATS.includes(format)) {
    const known = FORMATS.join(", ");
    throw new PostFault(
      415,
      `the format ${JSON.stringify(format)} is not known; known are ${known}`,
    );
  }
  if (format !== "raw") {
    if (!isDescribed) {
      return { resyncs: true, format: format as Exclude<PostedInput["format"], "raw"> };
    }
    throw new PostFault(400, `size and pixel-format describe raw frames, not ${format}`);
  }
  const sides = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? "");
  const [width, height] = [Number(sides?.[1]), Number(sides?.[2])];
  if (!(width >= 1 && height >= 1 && width <= MAX_SIDE && height <= MAX_SIDE)) {
    throw new PostFault(400, "raw frames need size=WxH in pixels, as 640x480");
  }
  if (pixelFormat === null || layoutOf(pixelFormat) === undefined) {
    throw new PostFault(
      400,
      `raw frames need pixel-format, one of ffmpeg's names: ${PIXEL_FORMATS.join(", ")}`,
    );
  }
  return { format, width, height, pixelFormat };
}

/**
 * A frame and the configuration of the stream that it belongs to.
 *
 * @module
 */
import type { StreamFormat } from "./stream_format.ts";

/** Whether a frame can be decoded by itself, as in WebCodecs `EncodedVideoChunkType`. */
export type FrameKind = "key" | "delta";

/**
 * What a viewer must know to make use of a frame. Every field but `format` is `null` where the
 * input does not tell, or absent. A new object means a new configuration.
 */
export interface StreamConfig {
  /** What the bytes of a frame are. */
  readonly format: StreamFormat;
  /** What one frame is coded with: `jpeg`, `png`, `raw`, or an RFC 6381 codec string. */
  readonly codec: string | null;
  /** Picture width in pixels. */
  readonly width: number | null;
  /** Picture height in pixels. */
  readonly height: number | null;
  /** Pixel format under its ffmpeg name, for pictures that are not compressed. */
  readonly pixelFormat: string | null;
  /** Frames a second, as the input itself says. */
  readonly frameRate: number | null;
  /** Text that stands once before all frames in the stream's own file format (Y4M's header line). */
  readonly header: string | null;
  /** Degrees clockwise by which pictures are turned when they are shown: 90, 180 or 270. Absent: 0. */
  readonly rotation?: number;
  /**
   * Width in pixels to which a picture is stretched when it is shown, before it is turned. It is
   * there with the height or not at all; absent where pixels are square.
   */
  readonly displayWidth?: number;
  /** Height in pixels to which a picture is stretched when it is shown, before it is turned. */
  readonly displayHeight?: number;
  /**
   * Colour primaries, a code point of ITU-T H.273 8.1. Like the next two, absent where only the
   * frames tell, if anything does.
   */
  readonly primaries?: number;
  /** Transfer characteristics, a code point of ITU-T H.273 8.2. */
  readonly transfer?: number;
  /** Matrix coefficients, a code point of ITU-T H.273 8.3. */
  readonly matrix?: number;
  /** Whether samples use all their values. Absent where only the frames tell. */
  readonly fullRange?: boolean;
}

/** How pictures are shown, as far as a {@linkcode StreamConfig} says so. */
export type Presentation = Pick<
  StreamConfig,
  | "rotation"
  | "displayWidth"
  | "displayHeight"
  | "primaries"
  | "transfer"
  | "matrix"
  | "fullRange"
>;

const PRESENTATION_FIELDS: readonly (keyof Presentation)[] = [
  "rotation",
  "displayWidth",
  "displayHeight",
  "primaries",
  "transfer",
  "matrix",
  "fullRange",
];

/** What a configuration says of how its pictures are shown, and nothing else of it. */
export function presentationOf(config: StreamConfig): Presentation {
  return Object.fromEntries(
    PRESENTATION_FIELDS.filter((field) => config[field] !== undefined)
      .map((field) => [field, config[field]]),
  );
}

/** How pictures are turned and stretched, as far as that is told. */
export function shapeOf(
  { rotation, displayWidth, displayHeight }: StreamConfig,
): Pick<StreamConfig, "rotation" | "displayWidth" | "displayHeight"> {
  return {
    ...rotation === undefined ? {} : { rotation },
    ...displayWidth === undefined || displayHeight === undefined
      ? {}
      : { displayWidth, displayHeight },
  };
}

/** Which publisher a frame comes from, and under which sequence it was sent. */
export interface Origin {
  /** Stands for the publisher's session without giving it away. */
  readonly session: string;
  /** The frame's sequence here minus the one under which its publisher sent it. */
  readonly offset: number;
}

/** One frame on its way through the relay. */
export interface Frame {
  /** The frame's bytes. Nobody changes them once the frame is made. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whether it can be decoded by itself. */
  readonly kind: FrameKind;
  /**
   * True for a delta frame that is shown before the key frame it follows and may refer to frames
   * before that one, so that whoever begins at that key frame cannot decode it. Absent: false.
   */
  readonly leading?: boolean;
  /** Whether the frame carries its decoder's configuration within it. Absent: false. */
  readonly configuration?: boolean;
  /** What a viewer must know to make use of the frame. */
  readonly config: StreamConfig;
  /**
   * Position in the stream: grows by one with every frame that the stream takes in, and by what the
   * publisher has dropped.
   */
  readonly sequence: number;
  /** Absent for a frame of a client without a session. */
  readonly origin?: Origin;
  /** Whether its publisher had sent it to an earlier run of the relay. Absent: false. */
  readonly catchUp?: boolean;
  /** Number of the publisher's session or configuration that the frame belongs to, from 1. */
  readonly epoch: number;
  /** True for the first frame of an epoch. */
  readonly discontinuity: boolean;
  /** Presentation time in microseconds, or `null` where the source has none. */
  readonly ptsUs: number | null;
  /** When the frame was captured, in microseconds since the Unix epoch on the server's clock. */
  readonly captureUs: number;
  /** When the relay received the frame, in milliseconds of the relay's monotonic clock. */
  readonly receivedMs: number;
  /** How old the frame was then, in milliseconds since its capture. */
  readonly captureAgeMs: number;
}

/** A configuration of which only the format is known. */
export function bareConfig(format: StreamFormat, known: Partial<StreamConfig> = {}): StreamConfig {
  return {
    format,
    codec: null,
    width: null,
    height: null,
    pixelFormat: null,
    frameRate: null,
    header: null,
    ...known,
  };
}

const CONFIG_FIELDS = [
  ...Object.keys(bareConfig("raw")) as (keyof StreamConfig)[],
  ...PRESENTATION_FIELDS,
];

/** Whether two configurations say the same. */
export function sameConfig(one: StreamConfig, other: StreamConfig): boolean {
  return one === other || CONFIG_FIELDS.every((field) => one[field] === other[field]);
}

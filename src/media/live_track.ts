/**
 * The video of a container that is read as it comes.
 *
 * @module
 */
import { bareConfig, type Presentation } from "../core/frame.ts";
import { FORMAT_FACTS, type StreamFormat } from "../core/stream_format.ts";
import { InputError } from "../errors.ts";
import type { FrameInput } from "../split/frame_input.ts";
import { sniffPicture } from "../split/sniff.ts";
import type { SplitFrame, SplitterOptions } from "../split/splitter.ts";
import { DamageError } from "./damage.ts";
import type { PixelSize } from "./matroska_tracks.ts";
import { layersNote, NOT_CARRIED, STANDARD_INPUT, transparencyNote } from "./messages.ts";
import type { Colours } from "./movie.ts";
import { createPacketReader, type Packet, type PacketReader } from "./packet_reader.ts";

/** What stands for colours that are not told, in ITU-T H.273. */
const UNSPECIFIED = 2;

/** Bytes of a description that may always be read, however small frames are. */
const SMALL_DESCRIPTION_BYTES = 1024 * 1024;

/**
 * Most bytes of a description that is read whole, of which no format has more than `bytes`: what may
 * come of it is held in memory, as a frame is.
 */
export function maxDescriptionBytes({ maxFrameBytes }: SplitterOptions, bytes: number): number {
  return Math.min(bytes, Math.max(maxFrameBytes, SMALL_DESCRIPTION_BYTES));
}

/** Options of a splitter for containers. */
export interface ContainerOptions extends SplitterOptions {
  /** What the input is called in notes. @default {"standard input"} */
  readonly name?: string;
  /** Takes a sentence about what of the input is left out. */
  readonly onNote?: (sentence: string) => void;
}

/** What a container says of its video. */
export interface LiveTrackInfo {
  /** What the container calls its coding. */
  readonly codecId: string;
  /** What that is; `undefined` where only the first picture tells, if any does. */
  readonly format: StreamFormat | undefined;
  /** The decoder configuration record; of AV1 the OBUs in it. */
  readonly record: Uint8Array | undefined;
  readonly size: PixelSize | undefined;
  readonly frameRate: number | null;
  readonly presentation: Presentation;
}

/** Makes frames of the packets of a track. */
export class LiveTrack {
  readonly #info: LiveTrackInfo;
  readonly #input: FrameInput;
  readonly #options: ContainerOptions;
  #reader: PacketReader | undefined;
  #hasNotedLayers = false;

  constructor(info: LiveTrackInfo, input: FrameInput, options: ContainerOptions) {
    this.#info = info;
    this.#input = input;
    this.#options = options;
  }

  /**
   * The frame of a packet.
   *
   * @throws {DamageError} when the packet's parts do not fit in it
   * @throws {InputError} when the track has no frames that can be carried
   */
  read(packet: Packet): SplitFrame {
    this.#reader ??= this.#open(packet.data);
    const frame = this.#reader.read(packet);
    this.#noteLayers(this.#reader);
    return frame;
  }

  #open(first: Uint8Array): PacketReader {
    const { format = pictureFormat(first), size, frameRate, presentation, record } = this.#info;
    if (format === undefined) return this.#refuse();
    const { width = null, height = null } = size ?? {};
    const codec = FORMAT_FACTS[format].picture ?? (format === "vp8" ? "vp8" : null);
    const config = bareConfig(format, { codec, width, height, frameRate, ...presentation });
    try {
      return createPacketReader({ config, record });
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      return failForGood(this.#input, {
        expected: "a description of the video",
        found: `one that is broken (${error.message})`,
      });
    }
  }

  #refuse(): never {
    const id = this.#info.codecId.trim();
    const called = /^[!-~]+$/.test(id) ? id : "something unknown";
    const known = NOT_CARRIED.find(([pattern]) => pattern.test(called))?.[1];
    return failForGood(this.#input, {
      expected: "video that a stream carries",
      found: `video that is coded as ${known ?? called}`,
      advice: "let ffmpeg convert it: ffmpeg -i INPUT -f mjpeg -q:v 3 -",
    });
  }

  /** Says once that what stands above the base layer of H.265 is left out. */
  #noteLayers({ upperLayers }: PacketReader): void {
    const { name = STANDARD_INPUT, onNote } = this.#options;
    if (upperLayers === undefined || this.#hasNotedLayers) return;
    this.#hasNotedLayers = true;
    onNote?.(upperLayers === "transparency" ? transparencyNote(name) : layersNote(name));
  }
}

/** The format of a picture that stands alone, if it is one. */
function pictureFormat(picture: Uint8Array): "mjpeg" | "png" | undefined {
  const { codec } = sniffPicture(picture);
  return codec === "jpeg" ? "mjpeg" : codec ?? undefined;
}

/** How pictures are shown, where a container tells it. */
export function presentationOf(
  { size, shown, rotation, colours }: {
    readonly size: PixelSize | undefined;
    /** What pictures are stretched to; `undefined` where they are not. */
    readonly shown: PixelSize | undefined;
    readonly rotation: number;
    readonly colours: Colours;
  },
): Presentation {
  const { primaries = UNSPECIFIED, transfer = UNSPECIFIED, matrix = UNSPECIFIED } = colours;
  const isStretched = size !== undefined && shown !== undefined &&
    (shown.width !== size.width || shown.height !== size.height);
  return {
    ...rotation === 0 ? {} : { rotation },
    ...isStretched ? { displayWidth: shown.width, displayHeight: shown.height } : {},
    ...primaries === UNSPECIFIED ? {} : { primaries },
    ...transfer === UNSPECIFIED ? {} : { transfer },
    ...matrix === UNSPECIFIED ? {} : { matrix },
    ...colours.fullRange === undefined ? {} : { fullRange: colours.fullRange },
  };
}

/** The size of pictures of which each pixel is as `across` to `down`: one side grows. */
export function stretched({ width, height }: PixelSize, across: number, down: number): PixelSize {
  if (across <= 0 || down <= 0) return { width, height };
  return across > down
    ? { width: Math.round(width * across / down), height }
    : { width, height: Math.round(height * down / across) };
}

/** Ends the reading of an input of which nothing can be used, whatever follows. */
export function failForGood(
  { framesTaken, offset }: FrameInput,
  fault: { readonly expected: string; readonly found: string; readonly advice?: string },
): never {
  throw new InputError({ frame: framesTaken + 1, offset, ...fault, isFinal: true });
}

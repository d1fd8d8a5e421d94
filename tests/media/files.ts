/**
 * Small media files, made without ffmpeg, and what is read from files.
 *
 * @module
 */
import { openRecording } from "../../src/files/recording.ts";
import { bareConfig, type FrameKind, type StreamConfig } from "../../src/core/frame.ts";
import type { MediaFault, MediaFrame } from "../../src/media/media_reader.ts";
import { openMedia } from "../../src/media/media_source.ts";
import type { Output } from "../../src/media/media_writer.ts";
import { RandomAccessFile } from "../../src/media/random_access_file.ts";
import { h264Pps, h264Slice, h264Sps, idr } from "../split/nal_samples.ts";
import { concat, ramp } from "../split/samples.ts";

/** A frame to record. */
export interface Shot {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly kind: FrameKind;
  readonly timeUs: number;
  readonly config: StreamConfig;
}

export const H264_CONFIG: StreamConfig = bareConfig("h264", {
  codec: "avc1.42c01e",
  width: 160,
  height: 128,
});
export const H264_SETS: Uint8Array<ArrayBuffer> = concat(h264Sps(), h264Pps());
const STEP_US = 40_000;

/**
 * Access units in GOPs of five: a key picture and two times a reference picture that is shown behind
 * the picture which follows it.
 */
export function h264Shots(count: number, bytes = 100): Shot[] {
  const shown = [0, 2, 1, 4, 3];
  return Array.from({ length: count }, (_, index) => {
    const at = index % 5;
    const place = index - at + shown[at]!;
    const payload = ramp(bytes, index);
    const order = 2 * shown[at]!;
    return {
      data: at === 0
        ? concat(H264_SETS, idr({ order, payload }))
        : h264Slice({ order, payload, reference: at % 2 === 1 ? 2 : 0, sliceType: at % 2 }),
      kind: at === 0 ? "key" : "delta",
      timeUs: place * STEP_US,
      config: H264_CONFIG,
    };
  });
}

/** What becomes of a file by one output after another. */
export class FileBytes {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  take({ append, patches }: Output): void {
    this.#bytes = concat(this.#bytes, ...append);
    for (const { at, bytes } of patches) this.#bytes.set(bytes, at);
  }
}

/** The file called `name` that holds `shots`; without its end if it is not `whole`. */
export function fileOf(
  name: string,
  shots: readonly Shot[],
  { whole = true } = {},
): Uint8Array<ArrayBuffer> {
  const recording = openRecording(name);
  const file = new FileBytes();
  for (const shot of shots) file.take(recording.write(shot));
  if (whole) file.take(recording.finish());
  return file.bytes;
}

/** What was read from a file. */
export interface Seen {
  readonly frames: readonly MediaFrame[];
  /** What reading ended with, if not with the end of the file. */
  readonly error: unknown;
  /** What was said of what is left out. */
  readonly notes: readonly string[];
  /** Parts of which no frame could be made, and why of the last. */
  readonly damaged: number;
  readonly fault: MediaFault | undefined;
}

/** Reads all frames of a file that is at `path`; no more than `limit`. */
export async function readFile(path: string, limit = 10_000): Promise<Seen> {
  const frames: MediaFrame[] = [];
  const notes: string[] = [];
  let damaged = 0;
  let fault: MediaFault | undefined;
  const file = await Deno.open(path);
  try {
    const { size } = await file.stat();
    const onNote = (note: string) => notes.push(note);
    const options = { name: "movie", maxFrameBytes: 1_000_000, onNote };
    const source = await openMedia(new RandomAccessFile(file, size), options);
    for (;;) {
      const frame = await source.next();
      ({ damaged, fault } = source);
      if (frame === undefined) return { frames, error: undefined, notes, damaged, fault };
      frames.push(frame);
      if (frames.length > limit) {
        source.stop();
        return { frames, error: new Error("there is no end to it"), notes, damaged, fault };
      }
    }
  } catch (error) {
    return { frames, error, notes, damaged, fault };
  }
}

/** Reads all frames of a file that has these bytes. */
export async function readBytes(bytes: Uint8Array): Promise<Seen> {
  const path = await Deno.makeTempFile({ prefix: "stream_media_" });
  try {
    await Deno.writeFile(path, bytes);
    return await readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

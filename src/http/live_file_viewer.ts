/**
 * A viewer that gets a stream as a file over HTTP.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import type { Frame, StreamConfig } from "../core/frame.ts";
import type { Readiness } from "../core/viewer_feed.ts";
import { sizeOf } from "../media/layout.ts";
import type { LiveFile } from "../media/live_files.ts";
import type { LiveWriter } from "../media/live_writer.ts";
import { RecordingTimes } from "../media/recording_times.ts";
import type { WatchedStream } from "../relay/viewer.ts";
import { type BodyMaker, HttpViewer, QUIET_REPORTS } from "./http_viewer.ts";
import type { PacedBody } from "./paced_body.ts";
import type { Asked, Here } from "./route.ts";

/** Up to so many bytes a frame is copied rather than handed to the server in several pieces. */
const ONE_PIECE_BYTES = 16_384;

/**
 * Sends a stream's frames as a file to one client.
 *
 * @throws {ProtocolError} when there are as many viewers or streams as may be
 */
export function sendFile(here: Here, asked: Asked, file: LiveFile): PacedBody["body"] {
  const stream = here.streams.watch(asked.name);
  return new HttpViewer(here, asked, { stream, maker: new FileBody(stream, file) }).body;
}

class FileBody implements BodyMaker {
  readonly isSpliced = true;
  readonly #stream: WatchedStream;
  readonly #file: LiveFile;
  readonly #times = new RecordingTimes();
  #opened: { readonly writer: LiveWriter; readonly config: StreamConfig } | undefined;
  /** Whether the file has ended, of which the client may not have had all yet. */
  #hasEnded = false;
  #quietReports = 0;

  constructor(stream: WatchedStream, file: LiveFile) {
    this.#stream = stream;
    this.#file = file;
  }

  prepare(): Readiness {
    return this.#hasEnded ? "later" : "ready";
  }

  send(frame: Frame, body: PacedBody): void {
    const { data, kind, config } = frame;
    const timeUs = this.#times.next(frame);
    // Without a time nobody could decode it.
    if (timeUs === undefined) return;
    const opened = this.#opened ??= this.#open(frame);
    if (opened === undefined || !this.#file.goesOn(opened.config, config)) {
      // Whoever asks again is told why, or gets a file of what the stream is now.
      this.#hasEnded = true;
      return queueMicrotask(() => body.finish());
    }
    if (opened.config !== config) this.#opened = { writer: opened.writer, config };
    this.#quietReports = 0;
    const parts = opened.writer.write({ data, kind, timeUs });
    const bytes = data.byteLength;
    if (sizeOf(parts) <= ONE_PIECE_BYTES) return body.send([concat(parts)], bytes);
    body.send(parts.map((part) => this.#kept(part, frame)), bytes);
  }

  report(body: PacedBody): void {
    if (++this.#quietReports < QUIET_REPORTS || !body.isDrained || this.#hasEnded) return;
    this.#quietReports = 0;
    const nothing = this.#opened?.writer.idle?.();
    // It is no frame: what is under way of those is counted by their bytes.
    if (nothing !== undefined) body.send([concat(nothing)], 0);
  }

  #open({ data, config, ptsUs }: Frame) {
    if (!this.#file.holds(config)) return undefined;
    const writer = this.#file.open({ data, config, hasTimes: ptsUs !== null });
    return writer === undefined ? undefined : { writer, config };
  }

  /** The same bytes, which nobody frees while they wait: the frame's own belong to the stream. */
  #kept(part: Uint8Array, frame: Frame): Uint8Array<ArrayBuffer> {
    if (part.buffer !== frame.data.buffer) return part as Uint8Array<ArrayBuffer>;
    const start = part.byteOffset - frame.data.byteOffset;
    return this.#stream.encodings.copy(frame).subarray(start, start + part.byteLength);
  }
}

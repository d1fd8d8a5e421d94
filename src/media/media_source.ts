/**
 * The frames of a media file's video track.
 *
 * @module
 */
import type { Input, InputVideoTrack, VideoCodec } from "mediabunny";
import { bareConfig, type StreamConfig, type StreamFormat } from "../core/frame.ts";
import { StreamError } from "../errors.ts";
import type { SplitFrame } from "../split/splitter.ts";
import { isCutOff } from "./cut_off.ts";
import { DamageError } from "./damage.ts";
import { createPacketReader, type PacketReader } from "./packet_reader.ts";
import type { RandomAccessFile } from "./random_access_file.ts";

/** A frame of a file, which tells how long it is shown. */
export interface MediaFrame extends SplitFrame {
  /** Time to the next frame in microseconds, 0 where the file does not tell it. */
  readonly durationUs: number;
}

/** Options of {@linkcode openMedia}. */
export interface MediaOptions {
  /** What the file is called in messages. */
  readonly name: string;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
}

const FORMATS: Readonly<Partial<Record<VideoCodec, StreamFormat>>> = {
  avc: "h264",
  hevc: "hevc",
  vp8: "vp8",
  vp9: "vp9",
  av1: "av1",
};

/** Largest range that is read at once; the list of the frames of a day fits. In bytes. */
const MAX_READ_BYTES = 256 * 1024 * 1024;
/**
 * Most reads for one frame, and most of one range behind one another. A whole file needs a few, or
 * in MPEG-TS one for each 188 bytes; in a damaged one the library may search in a circle.
 */
const MAX_READS = 1_000_000;
const MAX_SAME_READS = 1000;
/** Packets that the frame rate is found from. */
const PROBED_PACKETS = 32;

type Library = typeof import("mediabunny");
type PacketSink = InstanceType<Library["EncodedPacketSink"]>;
type TrackPacket = NonNullable<Awaited<ReturnType<PacketSink["getFirstPacket"]>>>;

/**
 * Finds the video track of `file`, which from then on belongs to the source.
 *
 * @throws {StreamError} (`bad_input`) when there is none that can be read
 */
export async function openMedia(
  file: RandomAccessFile,
  options: MediaOptions,
): Promise<MediaSource> {
  // Only who reads media files waits for the library.
  const library = await import("mediabunny");
  // Standard error belongs to the log.
  library.Logging.level = library.LogLevel.Silent;
  const opened = openInput(library, file);
  try {
    const { track, config, record } = await findTrack(opened.input, file, options.name);
    const packets = new library.EncodedPacketSink(track);
    return new MediaSource({
      ...options,
      ...opened,
      file,
      packets,
      reader: createPacketReader({ config, record }),
    });
  } catch (error) {
    opened.input.dispose();
    await file.close();
    throw error instanceof StreamError
      ? error
      : damaged(options.name, "what describes its video", error);
  }
}

interface OpenedInput {
  readonly input: Input;
  /** Grants the library the reads for another frame. */
  readonly allowReads: () => void;
}

function openInput(library: Library, file: RandomAccessFile): OpenedInput {
  const { MP4, QTFF, MATROSKA, WEBM, MPEG_TS } = library;
  const guard = new ReadGuard();
  const input = new library.Input({
    formats: [MP4, QTFF, MATROSKA, WEBM, MPEG_TS],
    source: new library.CustomSource({
      getSize: () => file.size,
      read: async (start, end) => {
        guard.check(start, end);
        return await file.read(start, end);
      },
      // Its own cache would hide reads in a circle.
      maxCacheSize: 0,
      prefetchProfile: "none",
    }),
  });
  return { input, allowReads: () => guard.allow() };
}

/** Ends a search that would never end. */
class ReadGuard {
  #reads = 0;
  #sameReads = 0;
  #range = "";

  /** Grants the reads for another frame. */
  allow(): void {
    this.#reads = 0;
    this.#sameReads = 0;
  }

  /** @throws {DamageError} when the range should not be read */
  check(start: number, end: number): void {
    const range = `${start} ${end}`;
    this.#sameReads = range === this.#range ? this.#sameReads + 1 : 0;
    this.#range = range;
    if (++this.#reads > MAX_READS || this.#sameReads > MAX_SAME_READS) {
      throw new DamageError("its parts refer to one another in a circle");
    }
    if (end - start > MAX_READ_BYTES) throw new DamageError(`a part has ${end - start} bytes`);
  }
}

interface FoundTrack {
  readonly track: InputVideoTrack;
  readonly config: StreamConfig;
  readonly record: Uint8Array | undefined;
}

async function findTrack(input: Input, file: RandomAccessFile, name: string): Promise<FoundTrack> {
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw await withoutVideo(input, file, name);
  const codec = await track.getCodec();
  const format = codec === null ? undefined : FORMATS[codec];
  if (format === undefined) {
    const id = codec ?? await track.getInternalCodecId();
    const called = typeof id === "string" && /^[!-~]+$/.test(id) ? id : "something unknown";
    throw badInput(name, `its video is coded as ${called}, which no stream carries`);
  }
  const { underlyingFrameRate } = await track.computeFrameRateMetrics({
    targetPacketCount: PROBED_PACKETS,
  });
  const description = (await track.getDecoderConfig())?.description;
  return {
    track,
    config: bareConfig(format, {
      codec: await track.getCodecParameterString(),
      width: await track.getCodedWidth() || null,
      height: await track.getCodedHeight() || null,
      frameRate: underlyingFrameRate === null
        ? null
        : Math.round(underlyingFrameRate * 1000) / 1000,
    }),
    record: description === undefined ? undefined : bytesOf(description),
  };
}

function bytesOf(source: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

interface MediaSourceOptions extends MediaOptions, OpenedInput {
  readonly file: RandomAccessFile;
  readonly packets: PacketSink;
  readonly reader: PacketReader;
}

/** Frames one after another, in the order in which they are decoded. */
export class MediaSource {
  readonly #options: MediaSourceOptions;
  #packet: TrackPacket | undefined;
  /** Number of the frame that is read, from 1. */
  #frame = 0;
  #isStopped = false;

  constructor(options: MediaSourceOptions) {
    this.#options = options;
  }

  /**
   * The next frame, or `undefined` when there are no more.
   *
   * @throws {StreamError} (`bad_input`) when the file is damaged or cut off
   */
  async next(): Promise<MediaFrame | undefined> {
    if (this.#isStopped) return undefined;
    this.#frame++;
    try {
      const frame = await this.#read();
      if (frame === undefined) this.stop();
      return frame;
    } catch (error) {
      const wasStopped = this.#isStopped;
      this.stop();
      // What a stop cut off is no error of the file.
      if (wasStopped) return undefined;
      if (error instanceof StreamError) throw error;
      throw damaged(this.#options.name, `frame ${this.#frame}`, error);
    }
  }

  /** Ends the source and closes the file; a `next` that waits gives `undefined`. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#options.input.dispose();
    // A read that hangs in the system is left behind.
    this.#options.file.close().catch(() => {});
  }

  async #read(): Promise<MediaFrame | undefined> {
    const { name, packets, reader, maxFrameBytes } = this.#options;
    const previous = this.#packet;
    this.#options.allowReads();
    const packet = previous === undefined
      ? await packets.getFirstPacket()
      : await packets.getNextPacket(previous);
    if (packet === null) {
      await this.#checkEnd();
      return undefined;
    }
    if (packet.byteLength > maxFrameBytes) {
      throw new StreamError(
        "bad_input",
        `Cannot read frame ${this.#frame} of ${name}: it has ${packet.byteLength} bytes, at most ` +
          `${maxFrameBytes} are read; give a larger --max-frame`,
      );
    }
    this.#packet = packet;
    const { data, timestamp, duration } = packet;
    return {
      ...reader.read({ data, ptsUs: Math.round(timestamp * 1e6) }),
      durationUs: Math.round(duration * 1e6),
    };
  }

  /** @throws {StreamError} where this is not what the file ends with */
  async #checkEnd(): Promise<void> {
    const { name, file, packets } = this.#options;
    const listed = this.#packet === undefined
      ? await packets.getFirstPacket({ metadataOnly: true })
      : await packets.getNextPacket(this.#packet, { metadataOnly: true });
    if (listed !== null || await isCutOff(file)) {
      throw new StreamError(
        "bad_input",
        `Cannot read frame ${this.#frame} of ${name}: the file was cut off before its end; copy ` +
          "it again",
      );
    }
    if (this.#packet === undefined) throw badInput(name, "its video has no frame");
  }
}

async function withoutVideo(
  input: Input,
  file: RandomAccessFile,
  name: string,
): Promise<StreamError> {
  const [track] = await input.getTracks();
  if (track !== undefined) {
    return new StreamError(
      "bad_input",
      `Cannot read ${name}: it has no video, only ${track.type}; give a file with video`,
    );
  }
  if (!await isCutOff(file)) return badInput(name, "no video is found in it");
  return new StreamError(
    "bad_input",
    `Cannot read ${name}: the file was cut off before the list of its frames; copy it again`,
  );
}

function damaged(name: string, what: string, cause: unknown): StreamError {
  // What the library asserts says nothing to people.
  const why = cause instanceof DamageError ? ` (${cause.message})` : "";
  return badInput(name, `${what} is damaged${why}`, cause);
}

function badInput(name: string, seen: string, cause?: unknown): StreamError {
  return new StreamError(
    "bad_input",
    `Cannot read ${name}: ${seen}; try: ffmpeg -i ${name} -f mjpeg -q:v 3 - | stream publish`,
    { cause },
  );
}

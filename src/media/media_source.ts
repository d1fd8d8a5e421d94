/**
 * The frames of a media file's video track.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import type { Input, InputVideoTrack, VideoCodec } from "mediabunny";
import { hasBytesAt } from "../bytes/text.ts";
import { bareConfig, type Presentation, type StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS, type StreamFormat } from "../core/stream_format.ts";
import { StreamError } from "../errors.ts";
import { sniffPicture } from "../split/sniff.ts";
import type { SplitFrame } from "../split/splitter.ts";
import { boxAt, boxWithin } from "./boxes.ts";
import { isCutOff } from "./cut_off.ts";
import { DamageError } from "./damage.ts";
import { MatroskaBlocks } from "./matroska_blocks.ts";
import { type MatroskaTrack, matroskaTracks } from "./matroska_tracks.ts";
import {
  cutOffFault,
  type MediaFault,
  type MediaFrame,
  type MediaOptions,
  type MediaReader,
  strayFault,
} from "./media_reader.ts";
import { type ClosedFilm, closeGaps } from "./gaps.ts";
import { type Colours, hasEncryptedVideo, MovieTrack } from "./movie.ts";
import { type PresentationEdits, presentationEdits } from "./presentation_edits.ts";
import { createPacketReader, type Packet, type PacketReader } from "./packet_reader.ts";
import type { ByteSource, RandomAccessFile } from "./random_access_file.ts";
import { TRANSPORT_PROBE_BYTES, transportLayout } from "./transport_stream.ts";
import { type TransportInput, TransportSource } from "./transport_source.ts";
import type { UpperLayers } from "./upper_layers.ts";
import {
  badInput,
  editsNote,
  faultError,
  layersNote,
  mirrorNote,
  NOT_CARRIED,
  otherVideosNote,
  soundNote,
  transparencyNote,
} from "./messages.ts";

const FORMATS: Readonly<Partial<Record<VideoCodec, StreamFormat>>> = {
  avc: "h264",
  hevc: "hevc",
  vp8: "vp8",
  vp9: "vp9",
  av1: "av1",
};

/** What Matroska files begin with: the header of EBML. */
const EBML = Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3);
/** A box that tells the library that the file is an MP4. */
const FILE_TYPE = Uint8Array.of(
  0,
  0,
  0,
  16,
  ...[..."ftypisom"].map((c) => c.charCodeAt(0)),
  0,
  0,
  0,
  0,
);

/** Bytes of MPEG-TS that are read at once. */
const READ_BYTES = 128 * 1024;
/** Largest range that is read at once; the list of the frames of a day fits. In bytes. */
const MAX_READ_BYTES = 256 * 1024 * 1024;
/**
 * Most reads for one frame, and most of one range behind one another. A whole file needs a few; in
 * a damaged one the library may search in a circle.
 */
const MAX_READS = 1_000_000;
const MAX_SAME_READS = 1000;
/** What stands for colours that are not told, in ITU-T H.273. */
const UNSPECIFIED = 2;
/** Frames behind one another that may be broken before the rest is taken to be so, too. */
const MAX_BROKEN_IN_ROW = 1000;
/** Frames that are looked at behind the end of a film for one that is shown before it. */
const MAX_REORDERED = 16;
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
): Promise<MediaReader> {
  try {
    const layout = transportLayout(await file.read(0, TRANSPORT_PROBE_BYTES));
    if (layout !== undefined) {
      return await TransportSource.open(inputOf(file, layout.start), layout, options);
    }
    // Only who reads other media files waits for the library.
    const library = await import("mediabunny");
    // Standard error belongs to the log.
    library.Logging.level = library.LogLevel.Silent;
    return await MediaSource.open(library, file, options);
  } catch (error) {
    await file.close();
    throw error instanceof StreamError
      ? error
      : damaged(options.name, "the description of its video", error);
  }
}

/** A file from an offset on, one part behind another. */
function inputOf(file: RandomAccessFile, start: number): TransportInput {
  let at = start;
  return {
    read: async () => {
      const bytes = await file.read(at, at + READ_BYTES);
      at += bytes.length;
      return bytes.length > 0 ? bytes : undefined;
    },
    close: () => file.close(),
  };
}

interface OpenedInput {
  readonly input: Input;
  /** Grants the library the reads for another frame. */
  readonly allowReads: () => void;
}

/** Opens what `bytes` are: the list of tracks has not been read yet. */
async function openInput(library: Library, bytes: ByteSource): Promise<OpenedInput> {
  const { MP4, QTFF, MATROSKA, WEBM } = library;
  const guard = new ReadGuard();
  // The library knows a film only by its first box, which old ones do not have.
  let hidesStart = await isUntypedMovie(bytes);
  const input = new library.Input({
    formats: [MP4, QTFF, MATROSKA, WEBM],
    source: new library.CustomSource({
      getSize: () => bytes.size,
      read: async (start, end) => {
        guard.check(start, end);
        if (hidesStart && start < FILE_TYPE.length) {
          const first = new Uint8Array(Math.max(0, Math.min(end, bytes.size) - start));
          first.set(FILE_TYPE.subarray(start, start + first.length));
          return first;
        }
        return await bytes.read(start, end);
      },
      // Its own cache would hide reads in a circle.
      maxCacheSize: 0,
      prefetchProfile: "none",
    }),
  });
  if (hidesStart) await input.getFormat();
  hidesStart = false;
  return { input, allowReads: () => guard.allow() };
}

async function isUntypedMovie(bytes: ByteSource): Promise<boolean> {
  const first = await boxAt(bytes, 0, bytes.size);
  return first !== undefined && first.type !== "ftyp" && first.type !== "styp";
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

/** A track with one description of its frames. */
interface DescribedTrack {
  readonly config: StreamConfig;
  readonly reader: PacketReader;
}

/** What the library does not tell of a track. */
interface TrackFacts {
  readonly colours: Colours;
  /** OBUs of AV1 that stand outside its frames. */
  readonly obus: Uint8Array | undefined;
}

async function describeTrack(
  track: InputVideoTrack,
  packets: PacketSink,
  { colours, obus }: TrackFacts,
  name: string,
): Promise<DescribedTrack> {
  const codec = await track.getCodec();
  const format = (codec === null ? undefined : FORMATS[codec]) ??
    await pictureFormat(packets, await track.getInternalCodecId());
  if (format === undefined) {
    const told = codec ?? await track.getInternalCodecId();
    const id = typeof told === "string" ? told.trim() : "";
    const called = /^[!-~]+$/.test(id) ? id : "something unknown";
    const known = NOT_CARRIED.find(([pattern]) => pattern.test(called))?.[1];
    throw badInput(
      name,
      `its video is coded as ${known ?? called}, which the relay does not support`,
    );
  }
  const { picture } = FORMAT_FACTS[format];
  const description = (await track.getDecoderConfig())?.description;
  const config = bareConfig(format, {
    codec: picture ?? await track.getCodecParameterString(),
    width: await track.getCodedWidth() || null,
    height: await track.getCodedHeight() || null,
    frameRate: await frameRateOf(track),
    ...await presentationOf(track, colours),
  });
  const record = format === "av1"
    ? obus
    : description === undefined
    ? undefined
    : bytesOf(description);
  return { config, reader: createPacketReader({ config, record }) };
}

/** Frames a second by the first of them; `null` where they do not tell. */
async function frameRateOf(track: InputVideoTrack): Promise<number | null> {
  try {
    const { underlyingFrameRate: rate } = await track.computeFrameRateMetrics({
      targetPacketCount: PROBED_PACKETS,
    });
    return rate === null ? null : Math.round(rate * 1000) / 1000;
  } catch {
    // The file is cut off or damaged further on, which is said once it is read there.
    return null;
  }
}

/**
 * The format of pictures that stand alone, which the library does not know, by what the file calls
 * them or by the first of them.
 */
async function pictureFormat(
  packets: PacketSink,
  id: unknown,
): Promise<"mjpeg" | "png" | undefined> {
  if (id === "V_MJPEG") return "mjpeg";
  const first = await packets.getFirstPacket();
  const { codec } = first === null ? { codec: null } : sniffPicture(first.data);
  return codec === "jpeg" ? "mjpeg" : codec ?? undefined;
}

async function presentationOf(track: InputVideoTrack, colours: Colours): Promise<Presentation> {
  const rotation = await track.getRotation();
  const [width, height] = [await track.getSquarePixelWidth(), await track.getSquarePixelHeight()];
  const isStretched = width !== await track.getCodedWidth() ||
    height !== await track.getCodedHeight();
  const { primaries = UNSPECIFIED, transfer = UNSPECIFIED, matrix = UNSPECIFIED } = colours;
  return {
    ...rotation === 0 ? {} : { rotation },
    ...isStretched && width > 0 && height > 0 ? { displayWidth: width, displayHeight: height } : {},
    ...primaries === UNSPECIFIED ? {} : { primaries },
    ...transfer === UNSPECIFIED ? {} : { transfer },
    ...matrix === UNSPECIFIED ? {} : { matrix },
    ...colours.fullRange === undefined ? {} : { fullRange: colours.fullRange },
  };
}

function bytesOf(source: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** What the library reads packets from. */
interface OpenedTrack extends OpenedInput {
  readonly track: InputVideoTrack;
  readonly packets: PacketSink;
}

interface MediaSourceOptions extends MediaOptions {
  readonly library: Library;
  readonly file: RandomAccessFile;
  readonly opened: OpenedTrack;
  /** The track of an MP4 or MOV, which may have several descriptions. */
  readonly movie: MovieTrack | undefined;
  /** What of the track of an MP4 or MOV is shown. */
  readonly edits: PresentationEdits | undefined;
  readonly film: ClosedFilm;
  readonly matroska: MatroskaTrack | undefined;
  /** The frames of a Matroska file, where its tracks could be read. */
  readonly blocks: MatroskaBlocks | undefined;
}

/** The video of an MP4, MOV, Matroska or WebM file. */
class MediaSource implements MediaReader {
  readonly #options: MediaSourceOptions;
  /** Where packets come from; another from where a movie goes on in fragments. */
  #opened: OpenedTrack;
  #mayHaveFragments = true;
  /** The descriptions of the track that have been needed, by their index. */
  readonly #tracks = new Map<number, DescribedTrack>();
  #packet: TrackPacket | undefined;
  /** Number of the frame that is read, from 1. */
  #frame = 0;
  /** What was left out here, and why the last time. */
  #damaged: number;
  #fault: MediaFault | undefined;
  #brokenInRow = 0;
  #brokenBy: DamageError | undefined;
  #hasFrame = false;
  #hasNotedLayers = false;
  #isStopped = false;

  private constructor(options: MediaSourceOptions) {
    this.#options = options;
    this.#opened = options.opened;
    const { gaps } = options.film;
    this.#damaged = gaps.length;
    if (gaps[0] !== undefined) this.#fault = strayFault(1, gaps[0]);
  }

  /** Finds the track and the description of its first frame. */
  static async open(
    library: Library,
    file: RandomAccessFile,
    options: MediaOptions,
  ): Promise<MediaSource> {
    const { name } = options;
    const isMovie = !await isMatroska(file);
    if (isMovie && await hasEncryptedVideo(file)) throw encrypted(name);
    const listed = isMovie ? [] : await matroskaTracks(file);
    const film = isMovie ? await closeGaps(file) : { bytes: file, gaps: [], tail: 0 };
    let opened = await openInput(library, film.bytes);
    try {
      let track = await opened.input.getPrimaryVideoTrack();
      if (track === null) throw await withoutVideo(opened.input, file, { name, listed });
      const movie = isMovie ? await MovieTrack.find(film.bytes, track.id) : undefined;
      if (movie !== undefined && movie.count > 1) {
        // The library takes the last description for that of all frames.
        opened.input.dispose();
        opened = await openInput(library, movie.only(0));
        track = await opened.input.getPrimaryVideoTrack();
        if (track === null) throw badInput(name, "it contains no video");
      }
      const number = track.id;
      const matroska = listed.find((listed) => listed.number === number);
      const source = new MediaSource({
        ...options,
        library,
        file,
        opened: { ...opened, track, packets: new library.EncodedPacketSink(track) },
        movie,
        edits: isMovie ? await presentationEdits(film.bytes, track.id) : undefined,
        film,
        matroska,
        blocks: matroska && await MatroskaBlocks.open(file, matroska),
      });
      await source.#describe(await movie?.descriptionOf(0) ?? 0);
      await source.#noteWhatIsLeftOut();
      return source;
    } catch (error) {
      opened.input.dispose();
      throw error;
    }
  }

  /**
   * The next frame, or `undefined` when there are no more.
   *
   * @throws {StreamError} (`bad_input`) when no more of the file can be read
   */
  async next(): Promise<MediaFrame | undefined> {
    if (this.#isStopped) return undefined;
    try {
      for (;;) {
        this.#frame++;
        const frame = await this.#read();
        if (frame === "broken") continue;
        if (frame === undefined) this.stop();
        else this.#hasFrame = true;
        return frame;
      }
    } catch (error) {
      // What a stop cut off is no error of the file.
      if (this.#isStopped) return undefined;
      const { name, film } = this.#options;
      const isEnd = !(error instanceof StreamError) && await isCutOff(film.bytes);
      this.stop();
      if (error instanceof StreamError) throw error;
      if (!isEnd) throw damaged(name, `frame ${this.#frame}`, error);
      this.#noteCutOff();
      return undefined;
    }
  }

  /** @throws {StreamError} where nothing of the file could be used */
  #noteCutOff(): void {
    const fault = cutOffFault(this.#frame);
    if (!this.#hasFrame) throw faultError(this.#options.name, fault);
    this.#leaveOut(fault);
  }

  #leaveOut(fault: MediaFault): void {
    this.#damaged++;
    this.#fault = fault;
  }

  /** Ends the source and closes the file; a `next` that waits gives `undefined`. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#opened.input.dispose();
    // A read that hangs in the system is left behind.
    this.#options.file.close().catch(() => {});
  }

  get damaged(): number {
    return this.#damaged + (this.#options.blocks?.damaged ?? 0);
  }

  get fault(): MediaFault | undefined {
    const { blocks } = this.#options;
    if (this.#fault === undefined || blocks?.fault === undefined) {
      return this.#fault ?? blocks?.fault;
    }
    return blocks.fault.frame > this.#fault.frame ? blocks.fault : this.#fault;
  }

  async #read(): Promise<MediaFrame | "broken" | undefined> {
    const { movie, blocks } = this.#options;
    if (blocks !== undefined) return await this.#readBlock(blocks);
    const packet = await this.#nextPacket();
    if (packet === null) {
      await this.#checkEnd();
      return undefined;
    }
    if (await this.#isBehindEnd(packet)) {
      this.#checkUsed();
      return undefined;
    }
    this.#checkSize(packet.byteLength);
    this.#packet = packet;
    const { data, timestamp, duration, sequenceNumber } = packet;
    const { reader } = await this.#describe(await movie?.descriptionOf(sequenceNumber) ?? 0);
    const ptsUs = Math.round(timestamp * 1e6);
    const frame = this.#frameOf(reader, { data, ptsUs });
    return frame === undefined ? "broken" : {
      ...frame,
      durationUs: Math.round(duration * 1e6),
      ...ptsUs < 0 ? { catchUp: true } : {},
    };
  }

  /** Whether an edit list lets the film end before `packet` and all that follow it. */
  async #isBehindEnd(packet: TrackPacket): Promise<boolean> {
    const endUs = this.#options.edits?.endUs;
    if (endUs === undefined) return false;
    let next: TrackPacket | null = packet;
    for (let count = 0; next !== null && count < MAX_REORDERED; count++) {
      if (Math.round(next.timestamp * 1e6) < endUs) return false;
      next = await this.#opened.packets.getNextPacket(next, { metadataOnly: true });
    }
    return true;
  }

  async #nextPacket(): Promise<TrackPacket | null> {
    const { packets, allowReads } = this.#opened;
    allowReads();
    const packet = this.#packet === undefined
      ? await this.#firstPacket()
      : await packets.getNextPacket(this.#packet);
    if (packet !== null || this.#packet === undefined || !await this.#goToFragments()) {
      return packet;
    }
    return await this.#opened.packets.getFirstPacket();
  }

  /**
   * Goes on with the fragments of a movie that lists its first samples as one without any does;
   * false where there are none. The library reads either the ones or the others.
   */
  async #goToFragments(): Promise<boolean> {
    const { library, movie, film } = this.#options;
    if (!this.#mayHaveFragments || movie === undefined) return false;
    this.#mayHaveFragments = false;
    const bytes = await movie.fragments(movie.count > 1 ? movie.only(0) : film.bytes);
    if (bytes === undefined) return false;
    const opened = await openInput(library, bytes);
    const track = await opened.input.getPrimaryVideoTrack();
    if (track === null || this.#isStopped) {
      opened.input.dispose();
      return false;
    }
    this.#opened.input.dispose();
    this.#opened = { ...opened, track, packets: new library.EncodedPacketSink(track) };
    return true;
  }

  /** The frame of a packet; `undefined`, and counted, where its parts do not fit. */
  #frameOf(reader: PacketReader, packet: Packet): SplitFrame | undefined {
    try {
      const frame = reader.read(packet);
      this.#brokenInRow = 0;
      this.#noteLayers(reader.upperLayers);
      return frame;
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      // A list of frames may be wrong from here on, and as long as numbers go.
      if (++this.#brokenInRow > MAX_BROKEN_IN_ROW) throw error;
      this.#brokenBy = error;
      this.#leaveOut({ frame: this.#frame, why: error.message });
      return undefined;
    }
  }

  /** Says once that what stands above the base layer of H.265 is left out. */
  #noteLayers(layers: UpperLayers | undefined): void {
    const { name, onNote } = this.#options;
    if (layers === undefined || this.#hasNotedLayers) return;
    this.#hasNotedLayers = true;
    onNote?.(layers === "transparency" ? transparencyNote(name) : layersNote(name));
  }

  /** @throws {StreamError} where not one frame could be used */
  #checkUsed(): void {
    const { name } = this.#options;
    if (this.#hasFrame) return;
    if (this.#brokenBy === undefined) throw badInput(name, "its video has no frames");
    throw damaged(name, "every frame of its video", this.#brokenBy);
  }

  async #readBlock(blocks: MatroskaBlocks): Promise<MediaFrame | "broken" | undefined> {
    const { file, matroska } = this.#options;
    const block = await blocks.next();
    if (block === undefined) {
      if (!blocks.endsWithin && await isCutOff(file)) this.#noteCutOff();
      this.#checkUsed();
      return undefined;
    }
    const { at, bytes, timeUs, durationUs } = block;
    const { prefix } = matroska!;
    this.#checkSize(prefix.length + bytes);
    const { reader } = await this.#describe(0);
    const read = await file.read(at, at + bytes);
    const data = prefix.length === 0 ? read : concat([prefix, read]);
    const frame = this.#frameOf(reader, { data, ptsUs: timeUs });
    return frame === undefined ? "broken" : { ...frame, durationUs };
  }

  /** @throws {StreamError} for a frame of too many bytes */
  #checkSize(bytes: number): void {
    const { name, maxFrameBytes } = this.#options;
    if (bytes <= maxFrameBytes) return;
    throw new StreamError(
      "bad_input",
      `Cannot read frame ${this.#frame} of ${name}: it has ${bytes} bytes, at most ` +
        `${maxFrameBytes} are read; give a larger --max-frame`,
    );
  }

  /** The first packet, or where an edit list lets the film begin later, the key frame before that. */
  async #firstPacket(): Promise<TrackPacket | null> {
    const { packets } = this.#opened;
    const first = await packets.getFirstPacket();
    if (first === null || first.timestamp >= 0) return first;
    return await packets.getKeyPacket(0) ?? first;
  }

  /** How the frames with a description are to be read. */
  async #describe(index: number): Promise<DescribedTrack> {
    const known = this.#tracks.get(index);
    if (known !== undefined) return known;
    const { library, name, movie, matroska } = this.#options;
    const facts = {
      colours: await movie?.colours(index) ?? matroska?.colours ?? {},
      obus: await movie?.obus(index) ?? matroska?.obus,
    };
    let found: DescribedTrack;
    if (index === 0 || movie === undefined) {
      const { track, packets } = this.#options.opened;
      found = await describeTrack(track, packets, facts, name);
    } else {
      const { input } = await openInput(library, movie.only(index));
      try {
        const track = await input.getPrimaryVideoTrack();
        if (track === null) {
          throw new DamageError(`sample description ${index + 1} does not describe video`);
        }
        found = await describeTrack(track, this.#opened.packets, facts, name);
      } finally {
        input.dispose();
      }
    }
    this.#tracks.set(index, found);
    return found;
  }

  async #noteWhatIsLeftOut(): Promise<void> {
    const { name, film: { tail }, edits, onNote } = this.#options;
    if (onNote === undefined) return;
    if (edits !== undefined && edits.parts > 1) onNote(editsNote(name, edits.parts));
    if (edits?.isMirrored === true) onNote(mirrorNote(name));
    const tracks = await this.#opened.input.getTracks();
    if (tracks.some(({ type }) => type === "audio")) onNote(soundNote(name));
    const videos = tracks.filter(({ type }) => type === "video").length;
    if (videos > 1) onNote(otherVideosNote(name, videos - 1));
    const { movie, matroska } = this.#options;
    this.#noteLayers(await movie?.upperLayers(await movie.descriptionOf(0)));
    if (matroska?.isTransparent) onNote(transparencyNote(name, matroska.codecId));
    if (tail === 0) return;
    const bytes = tail === 1 ? "1 byte" : `${tail} bytes`;
    onNote(`left out ${bytes} after the end of the film in ${name}`);
  }

  /** @throws {StreamError} where nothing of the file could be used */
  async #checkEnd(): Promise<void> {
    const { film: { bytes } } = this.#options;
    const { packets } = this.#opened;
    const listed = this.#packet === undefined
      ? await packets.getFirstPacket({ metadataOnly: true })
      : await packets.getNextPacket(this.#packet, { metadataOnly: true });
    if (listed !== null || await isCutOff(bytes)) this.#noteCutOff();
    this.#checkUsed();
  }
}

async function isMatroska(file: ByteSource): Promise<boolean> {
  return hasBytesAt(await file.read(0, EBML.length), 0, EBML);
}

async function withoutVideo(
  input: Input,
  file: RandomAccessFile,
  { name, listed }: { readonly name: string; readonly listed: readonly MatroskaTrack[] },
): Promise<StreamError> {
  const obstacle = listed.find(({ obstacle }) => obstacle !== undefined)?.obstacle;
  if (obstacle === "encrypted") {
    return new StreamError(
      "bad_input",
      `Cannot read ${name}: its video is encrypted, which is not supported; give a file without ` +
        "encryption",
    );
  }
  if (obstacle === "compressed") {
    return new StreamError(
      "bad_input",
      `Cannot read ${name}: its frames are also compressed with zlib, which is not supported; ` +
        `try: ffmpeg -i ${name} -c copy plain.mkv`,
    );
  }
  const [track] = await input.getTracks();
  if (track !== undefined) {
    return new StreamError(
      "bad_input",
      `Cannot read ${name}: it has no video, only ${track.type}; give a file with video`,
    );
  }
  const hasFrames = await boxWithin(file, { content: 0, end: file.size }, "mdat") !== undefined &&
    await boxWithin(file, { content: 0, end: file.size }, "moov") === undefined;
  if (!hasFrames && !await isCutOff(file)) return badInput(name, "it contains no video");
  return new StreamError(
    "bad_input",
    `Cannot read ${name}: the file was cut off before the list of its frames; copy it again`,
  );
}

function encrypted(name: string): StreamError {
  return new StreamError(
    "bad_input",
    `Cannot read ${name}: its video is encrypted; decrypt it first: ffmpeg -decryption_key KEY ` +
      `-i ${name} -c copy plain.mp4`,
  );
}

function damaged(name: string, what: string, cause: unknown): StreamError {
  // What the library asserts says nothing to people.
  const why = cause instanceof DamageError ? ` (${cause.message})` : "";
  return badInput(name, `${what} is damaged${why}`, cause);
}

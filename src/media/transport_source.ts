/**
 * The frames of the video in an MPEG-TS file.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { InputError, StreamError } from "../errors.ts";
import type { AnnexBSplitter } from "../split/annex_b.ts";
import { H264Splitter } from "../split/h264.ts";
import { HevcSplitter } from "../split/hevc.ts";
import type { SplitFrame } from "../split/splitter.ts";
import type { MediaFault, MediaFrame, MediaOptions, MediaReader } from "./media_reader.ts";
import {
  type PesTimes,
  type ProgramStream,
  type StreamPart,
  TransportDemuxer,
  type TransportLayout,
} from "./transport_stream.ts";
import { type TransportTime, TransportTimes } from "./transport_times.ts";
import { badInput, soundNote } from "./messages.ts";

/** Bytes at the beginning in which the list of streams must stand. */
const MAX_PROBED_BYTES = 16 * 1024 * 1024;
/** Frames that the frame rate is found from, where nothing else tells it. */
const PROBED_FRAMES = 8;
/** Most PES packets that may begin within a frame and go before the next. */
const MAX_STARTS = 1000;

/** Types of streams that are carried, and those that are known by name: 2.4.4.9, Table 2-34. */
const CARRIED = new Map<number, "h264" | "hevc">([[0x1b, "h264"], [0x24, "hevc"]]);
const OTHER_VIDEO = new Map([
  [0x01, "MPEG-1"],
  [0x02, "MPEG-2"],
  [0x10, "MPEG-4 Part 2"],
  [0x21, "JPEG 2000"],
  [0x33, "VVC"],
  [0x42, "AVS"],
  [0xd1, "Dirac"],
  [0xea, "VC-1"],
]);
const SOUND = new Set([0x03, 0x04, 0x0f, 0x11, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87]);

/** What was left out, and why the last time. */
interface Damage {
  readonly count: number;
  readonly fault: MediaFault | undefined;
}

/** A frame that has its time, but not its duration, and what was left out in front of it. */
interface TimedFrame extends TransportTime {
  readonly frame: SplitFrame;
  readonly damage: Damage;
}

/** Where in the stream a PES packet begins. */
interface Start {
  readonly offset: number;
  readonly times: PesTimes;
}

/** The bytes of a stream as they come. */
export interface TransportInput {
  /** Whether they come when they are made, so that none may wait for others. */
  readonly isLive: boolean;
  /** The next bytes; `idle` where none have come for a while, and nothing at the end. */
  read(): Promise<Uint8Array | "idle" | undefined>;
  close(): Promise<void>;
}

/** The first video of the first program that is carried. */
export class TransportSource implements MediaReader {
  readonly #input: TransportInput;
  readonly #options: MediaOptions;
  readonly #demuxer: TransportDemuxer;
  readonly #times = new TransportTimes();
  #readBytes = 0;
  #stream: ProgramStream | undefined;
  #splitter: AnnexBSplitter | undefined;
  /** What was left out up to where the file has been read, and up to the frame given last. */
  #found: Damage = { count: 0, fault: undefined };
  #told = this.#found;
  /** How much of it was found in packets, and in the frames of the stream that is followed. */
  #inPackets = 0;
  #inFrames = 0;
  /** Bytes of the stream that the splitter has got, and where PES packets begin in them. */
  #bytes = 0;
  #starts: Start[] = [];
  /** Frames that are read but not given, the next one first. */
  #ahead: TimedFrame[] = [];
  #stepUs = 0;
  #frames = 0;
  #frameRate: number | null = null;
  #config: { readonly told: StreamConfig; readonly config: StreamConfig } | undefined;
  #isEnded = false;
  #isStopped = false;

  private constructor(input: TransportInput, layout: TransportLayout, options: MediaOptions) {
    this.#input = input;
    this.#options = options;
    this.#demuxer = new TransportDemuxer(layout);
  }

  /**
   * Finds the video; `input` begins with the first packet.
   *
   * @throws {StreamError} (`bad_input`) when there is none that can be read
   */
  static async open(
    input: TransportInput,
    layout: TransportLayout,
    options: MediaOptions,
  ): Promise<TransportSource> {
    const source = new TransportSource(input, layout, options);
    await source.#fill(input.isLive ? 1 : PROBED_FRAMES);
    if (source.#ahead.length === 0 && !source.#isStopped) throw source.#withoutVideo();
    source.#frameRate = rateOf(source.#ahead);
    if (source.#demuxer.streams.some(({ type }) => SOUND.has(type))) {
      options.onNote?.(soundNote(options.name));
    }
    return source;
  }

  get damaged(): number {
    return this.#told.count;
  }

  get fault(): MediaFault | undefined {
    return this.#told.fault;
  }

  async next(): Promise<MediaFrame | undefined> {
    if (this.#isStopped) return undefined;
    try {
      // The duration is the time to the frame behind; one that is live has none.
      await this.#fill(this.#input.isLive ? 1 : 2);
    } catch (error) {
      const wasStopped = this.#isStopped;
      this.stop();
      if (wasStopped) return undefined;
      throw error;
    }
    const [next, following] = this.#ahead;
    this.#ahead = this.#ahead.slice(1);
    this.#told = next?.damage ?? this.#noteDamage();
    if (next === undefined || this.#isStopped) {
      this.stop();
      return undefined;
    }
    if (following !== undefined) this.#stepUs = following.dtsUs - next.dtsUs;
    const { frame, ptsUs } = next;
    return { ...frame, ptsUs, durationUs: this.#stepUs, config: this.#configOf(frame) };
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // A read that hangs in the system is left behind.
    this.#input.close().catch(() => {});
  }

  /** Reads until so many frames are there, or the file ends. */
  async #fill(count: number): Promise<void> {
    while (this.#ahead.length < count && !this.#isStopped) {
      if (this.#takeFrame()) continue;
      if (this.#isEnded) return;
      const part = this.#demuxer.next();
      if (part !== undefined) {
        this.#push(part);
        continue;
      }
      const isLost = this.#splitter === undefined && this.#readBytes > MAX_PROBED_BYTES;
      const chunk = isLost ? undefined : await this.#input.read();
      if (chunk === undefined) await this.#end();
      else if (chunk === "idle") this.#flush();
      else {
        this.#demuxer.push(chunk);
        this.#readBytes += chunk.length;
      }
    }
  }

  /** Takes what has come for whole. */
  #flush(): void {
    this.#demuxer.idle();
    for (let part = this.#demuxer.next(); part !== undefined; part = this.#demuxer.next()) {
      this.#push(part);
    }
    this.#splitter?.idle();
  }

  async #end(): Promise<void> {
    this.#demuxer.end();
    for (let part = this.#demuxer.next(); part !== undefined; part = this.#demuxer.next()) {
      this.#push(part);
      while (this.#takeFrame());
      // The file is at its end, but turns of the loop are others' as well.
      await Promise.resolve();
    }
    this.#splitter?.end();
    this.#isEnded = true;
  }

  #push({ pid, data, times }: StreamPart): void {
    const stream = this.#demuxer.streams.find(({ type }) => CARRIED.has(type));
    if (stream?.pid !== pid) return;
    if (this.#stream?.pid !== pid || this.#stream.type !== stream.type) this.#follow(stream);
    if (times !== undefined) {
      this.#starts.push({ offset: this.#bytes, times });
      if (this.#starts.length > MAX_STARTS) this.#starts.shift();
    }
    // What stands before the first PES packet is the end of one that is not there.
    if (this.#starts.length === 0 && this.#bytes === 0) return;
    this.#splitter!.push(data);
    this.#bytes += data.length;
  }

  /** Goes over to a stream that the program has from now on. */
  #follow(stream: ProgramStream): void {
    if (this.#splitter !== undefined) {
      this.#splitter.end();
      while (this.#takeFrame());
      this.#noteDamage();
      this.#inFrames = 0;
    }
    const Splitter = CARRIED.get(stream.type) === "h264" ? H264Splitter : HevcSplitter;
    this.#splitter = new Splitter(this.#options);
    this.#stream = stream;
    this.#bytes = 0;
    this.#starts = [];
  }

  #takeFrame(): boolean {
    const frame = this.#nextFrame();
    if (frame === undefined) return false;
    const times = this.#times.next(this.#timesOf(this.#splitter!.frameOffset));
    this.#ahead.push({ frame, ...times, damage: this.#noteDamage() });
    this.#frames++;
    return true;
  }

  /** Takes note of what was left out since the last time. */
  #noteDamage(): Damage {
    const frame = this.#frames + 1;
    const inPackets = this.#demuxer.damaged - this.#inPackets;
    const inFrames = (this.#splitter?.damaged ?? 0) - this.#inFrames;
    if (inPackets + inFrames === 0) return this.#found;
    this.#inPackets += inPackets;
    this.#inFrames += inFrames;
    const { expected, found } = this.#splitter?.fault ?? {};
    const why = inPackets > 0 ? this.#demuxer.fault! : `expected ${expected}, found ${found}`;
    return this.#found = {
      count: this.#found.count + inPackets + inFrames,
      fault: { frame, why },
    };
  }

  #nextFrame(): SplitFrame | undefined {
    const { name } = this.#options;
    try {
      return this.#splitter?.next();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      // At its end, a stream without a picture has nothing else to say.
      if (this.#isEnded && this.#frames === 0) return undefined;
      const { expected, found, advice } = error.fault;
      throw new StreamError(
        "bad_input",
        `Cannot read frame ${this.#frames + 1} of ${name}: expected ${expected}, found ${found}` +
          (advice === undefined ? "" : `; ${advice}`),
        { cause: error },
      );
    }
  }

  /** The times of the PES packet in which a frame is the first to begin. */
  #timesOf(offset: number): Partial<PesTimes> {
    let times: Partial<PesTimes> = {};
    while (this.#starts.length > 0 && this.#starts[0]!.offset <= offset) {
      times = this.#starts.shift()!.times;
    }
    return times;
  }

  /** The same object as before where the stream says the same. */
  #configOf({ config }: SplitFrame): StreamConfig {
    if (config.frameRate !== null || this.#frameRate === null) return config;
    if (this.#config?.told !== config) {
      this.#config = { told: config, config: { ...config, frameRate: this.#frameRate } };
    }
    return this.#config.config;
  }

  #withoutVideo(): StreamError {
    const { name } = this.#options;
    const { streams, isScrambled } = this.#demuxer;
    if (isScrambled) {
      return new StreamError(
        "bad_input",
        `Cannot read ${name}: it is scrambled (encrypted); give a file without encryption`,
      );
    }
    if (streams.some(({ type }) => CARRIED.has(type))) {
      return badInput(name, "its video has no frames");
    }
    const other = streams.map(({ type }) => OTHER_VIDEO.get(type)).find((name) => name);
    if (other !== undefined) {
      return badInput(name, `its video is coded as ${other}, which the relay does not support`);
    }
    if (streams.some(({ type }) => SOUND.has(type))) {
      return new StreamError(
        "bad_input",
        `Cannot read ${name}: it has no video, only audio; give a file with video`,
      );
    }
    return badInput(name, "it contains no video");
  }
}

/** Frames a second, by the time that most frames take; `null` where they are too few to tell. */
function rateOf(frames: readonly TimedFrame[]): number | null {
  const steps = frames.slice(1).map(({ dtsUs }, index) => dtsUs - frames[index]!.dtsUs)
    .sort((one, other) => one - other);
  const median = steps[steps.length >> 1] ?? 0;
  return median > 0 ? Math.round(1e9 / median) / 1000 : null;
}

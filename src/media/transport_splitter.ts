/**
 * The frames of the video in MPEG-TS, which is read as it comes.
 *
 * @module
 */
import { InputError, type InputFault } from "../errors.ts";
import type { AnnexBSplitter } from "../split/annex_b.ts";
import { H264Splitter } from "../split/h264.ts";
import { HevcSplitter } from "../split/hevc.ts";
import type { SplitFrame, Splitter } from "../split/splitter.ts";
import type { ContainerOptions } from "./live_track.ts";
import { soundNote, STANDARD_INPUT } from "./messages.ts";
import { PesLengths } from "./pes_lengths.ts";
import {
  type NextPart,
  type PesTimes,
  type ProgramStream,
  type StreamPart,
  TransportDemuxer,
  type TransportLayout,
} from "./transport_stream.ts";
import { type TransportTime, TransportTimes } from "./transport_times.ts";

/** Bytes at the beginning in which the list of streams must stand. */
const MAX_PROBED_BYTES = 16 * 1024 * 1024;
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

/** Why no frame of a stream can be given. */
export interface Frameless {
  readonly why: "scrambled" | "no frames" | "other coding" | "only sound" | "no video";
  /** What else its video is coded as. */
  readonly coding?: string;
}

const FRAMELESS: Readonly<Record<Frameless["why"], string>> = {
  "scrambled": "a scrambled (encrypted) stream",
  "no frames": "a video without frames",
  "other coding": "",
  "only sound": "only audio",
  "no video": "no video",
};

/** Where in the stream a PES packet begins. */
interface Start {
  readonly offset: number;
  readonly times: PesTimes;
}

/**
 * Gives the frames of the first video of the first program that is carried. A frame is known to be
 * whole when its PES packet is, where those say how long they are (see {@linkcode PesLengths}), when the
 * next begins, or when nothing has come for a while.
 */
export class TransportSplitter implements Splitter {
  readonly #options: ContainerOptions;
  readonly #demuxer: TransportDemuxer;
  readonly #times = new TransportTimes();
  #readBytes = 0;
  #stream: ProgramStream | undefined;
  #splitter: AnnexBSplitter | undefined;
  #lengths: PesLengths | undefined;
  /** Frames of a stream that was followed before. */
  readonly #ready: SplitFrame[] = [];
  #damaged = 0;
  #fault: InputFault | undefined;
  #why = "";
  /** How much of it was found in packets, and in the frames of the stream that is followed. */
  #inPackets = 0;
  #inFrames = 0;
  /** Bytes of the stream that the splitter has got, and where PES packets begin in them. */
  #bytes = 0;
  #starts: Start[] = [];
  /** Offset in the input of the packet that was read last. */
  #packetAt = 0;
  #frames = 0;
  #lastTime: TransportTime | undefined;
  #isIdle = false;
  #hasNoted = false;
  #state: "open" | "ending" | "ended" = "open";

  /** The input begins with the first packet of `layout`. */
  constructor(layout: TransportLayout, options: ContainerOptions) {
    this.#options = options;
    this.#demuxer = new TransportDemuxer(layout, (part) => this.#isEnd(part));
    this.#noteDamage();
  }

  get damaged(): number {
    return this.#damaged;
  }

  get fault(): InputFault | undefined {
    return this.#fault;
  }

  /** Why the last part was left out, as a clause. */
  get why(): string {
    return this.#why;
  }

  /** When the last frame is decoded and shown. */
  get lastTime(): TransportTime | undefined {
    return this.#lastTime;
  }

  push(chunk: Uint8Array): void {
    if (this.#state !== "open") throw new TypeError("Cannot push bytes: the input has ended");
    this.#demuxer.push(chunk);
    this.#readBytes += chunk.length;
    this.#isIdle = false;
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#demuxer.end();
    this.#state = "ending";
  }

  idle(): void {
    this.#demuxer.idle();
    this.#isIdle = true;
  }

  next(): SplitFrame | undefined {
    for (;;) {
      const frame = this.#ready.shift() ?? this.#takeFrame();
      if (frame !== undefined) return frame;
      const part = this.#demuxer.next();
      if (part !== undefined) this.#push(part);
      else if (!this.#flush()) break;
    }
    this.#noteDamage();
    const isLost = this.#splitter === undefined && this.#readBytes > MAX_PROBED_BYTES;
    if (this.#frames === 0 && (this.#state === "ended" || isLost)) throw this.#framelessError();
    return undefined;
  }

  /** Why there are no frames, as far as the stream tells. */
  frameless(): Frameless {
    const { streams, isScrambled } = this.#demuxer;
    if (isScrambled) return { why: "scrambled" };
    if (streams.some(({ type }) => CARRIED.has(type))) return { why: "no frames" };
    const coding = streams.map(({ type }) => OTHER_VIDEO.get(type)).find((name) => name);
    if (coding !== undefined) return { why: "other coding", coding };
    return { why: streams.some(({ type }) => SOUND.has(type)) ? "only sound" : "no video" };
  }

  /** Takes what has come for whole, once; false where nothing can follow of that. */
  #flush(): boolean {
    if (this.#state === "ending") {
      this.#splitter?.end();
      this.#state = "ended";
      return true;
    }
    const wasIdle = this.#isIdle;
    this.#isIdle = false;
    if (wasIdle) this.#splitter?.idle();
    return wasIdle;
  }

  /** Whether a PES packet of the video ends with this part. */
  #isEnd({ pid, data, times, saidBytes }: NextPart): boolean {
    if (pid !== this.#stream?.pid) return false;
    const start = times === undefined ? undefined : { said: saidBytes, data };
    return this.#lengths!.wouldEnd(data.length, start);
  }

  #push({ pid, data, times, saidBytes, at }: StreamPart): void {
    const stream = this.#demuxer.streams.find(({ type }) => CARRIED.has(type));
    if (stream?.pid !== pid) return;
    this.#packetAt = at;
    if (this.#stream?.pid !== pid || this.#stream.type !== stream.type) this.#follow(stream);
    if (times !== undefined) {
      this.#starts.push({ offset: this.#bytes, times });
      if (this.#starts.length > MAX_STARTS) this.#starts.shift();
    }
    // What stands before the first PES packet is the end of one that is not there.
    if (this.#starts.length === 0 && this.#bytes === 0) return;
    if (times !== undefined) this.#lengths!.begin({ said: saidBytes, data });
    this.#splitter!.push(data);
    this.#bytes += data.length;
    // What its last access unit is has come by now.
    if (this.#lengths!.add(data)) this.#splitter!.idle();
  }

  /** Goes over to a stream that the program has from now on. */
  #follow(stream: ProgramStream): void {
    if (this.#splitter !== undefined) {
      this.#splitter.end();
      for (let frame = this.#takeFrame(); frame !== undefined; frame = this.#takeFrame()) {
        this.#ready.push(frame);
      }
      this.#noteDamage();
      this.#inFrames = 0;
    }
    const format = CARRIED.get(stream.type)!;
    const Splitter = format === "h264" ? H264Splitter : HevcSplitter;
    this.#splitter = new Splitter(this.#options);
    this.#lengths = new PesLengths(format);
    this.#stream = stream;
    this.#bytes = 0;
    this.#starts = [];
  }

  #takeFrame(): SplitFrame | undefined {
    const frame = this.#nextFrame();
    if (frame === undefined) return undefined;
    this.#lastTime = this.#times.next(this.#timesOf(this.#splitter!.frameOffset));
    this.#noteDamage();
    this.#noteSound();
    this.#frames++;
    return { ...frame, ptsUs: this.#lastTime.ptsUs };
  }

  #nextFrame(): SplitFrame | undefined {
    try {
      return this.#splitter?.next();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      // At its end, a stream without a picture has nothing else to say.
      if (this.#state === "ended" && this.#frames === 0) return undefined;
      throw new InputError(this.#inStream(error.fault));
    }
  }

  /** A fault of the video, at the place of the input that was read last. */
  #inStream(fault: InputFault): InputFault {
    return { ...fault, frame: this.#frames + 1, offset: this.#packetAt };
  }

  /** Takes note of what was left out since the last time. */
  #noteDamage(): void {
    const inPackets = this.#demuxer.damaged - this.#inPackets;
    const inFrames = (this.#splitter?.damaged ?? 0) - this.#inFrames;
    if (inPackets + inFrames === 0) return;
    this.#inPackets += inPackets;
    this.#inFrames += inFrames;
    this.#damaged += inPackets + inFrames;
    const fault = this.#splitter?.fault;
    if (inPackets > 0) {
      const { at, why, expected, found } = this.#demuxer.fault!;
      this.#fault = { frame: this.#frames + 1, offset: at, expected, found };
      this.#why = why;
    } else if (fault !== undefined) {
      // What a stream ends within is no more than what a file of packets does.
      const { isCutOff: _, ...rest } = this.#inStream(fault);
      this.#fault = rest;
      this.#why = `expected ${fault.expected}, found ${fault.found}`;
    }
  }

  #noteSound(): void {
    const { name = STANDARD_INPUT, onNote } = this.#options;
    if (this.#hasNoted) return;
    this.#hasNoted = true;
    if (this.#demuxer.streams.some(({ type }) => SOUND.has(type))) onNote?.(soundNote(name));
  }

  /** The times of the PES packet in which a frame is the first to begin. */
  #timesOf(offset: number): Partial<PesTimes> {
    let times: Partial<PesTimes> = {};
    while (this.#starts.length > 0 && this.#starts[0]!.offset <= offset) {
      times = this.#starts.shift()!.times;
    }
    return times;
  }

  #framelessError(): InputError {
    const { why, coding } = this.frameless();
    return new InputError({
      frame: 1,
      offset: this.#readBytes,
      expected: "MPEG-TS with H.264 or H.265",
      found: coding === undefined ? FRAMELESS[why] : `video that is coded as ${coding}`,
      advice: coding === undefined
        ? "check the program that writes the input"
        : "let ffmpeg convert it: ffmpeg -i INPUT -c:v libx264 -f mpegts -",
      isFinal: true,
    });
  }
}

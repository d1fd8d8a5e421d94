/**
 * MP4 that is read as it comes, in fragments or behind the list of its frames: ISO/IEC 14496-12 (2022), of which clauses are named.
 *
 * @module
 */
import { hex } from "../bytes/text.ts";
import { FrameInput } from "../split/frame_input.ts";
import type { FrameFinder } from "../split/resync.ts";
import type { SplitFrame } from "../split/splitter.ts";
import { type Box, BOX_HEADER_BYTES, readBox } from "./boxes.ts";
import { DamageError } from "./damage.ts";
import { JoinedTimes } from "./joined_times.ts";
import {
  type ContainerOptions,
  failForGood,
  LiveTrack,
  maxDescriptionBytes,
} from "./live_track.ts";
import { otherVideosNote, soundNote, STANDARD_INPUT } from "./messages.ts";
import { isSameMovie, type MovieVideo, readMovie } from "./movie_description.ts";
import { type MovieSample, readFragment } from "./movie_fragment.ts";
import { listedSamples } from "./movie_table.ts";

/** Most bytes of a description of a movie or of a fragment, of which the first is 0. */
const MAX_DESCRIPTION_BYTES = 2 ** 24 - 1;
/** Most bytes of another box that is passed over. */
const MAX_PASSED_BYTES = 64 * 1024 * 1024;
/** Most samples that are passed over because they begin in front of what is read. */
const MAX_MISSED = 100_000;
/** Boxes that say nothing of frames. */
const OTHERS = new Set([
  ...["ftyp", "styp", "free", "skip", "wide", "sidx", "ssix", "emsg", "prft", "mfra", "uuid"],
  ...["meta", "pdin", "pnot", "udta", "imda"],
]);
/** What the descriptions begin with: 8.2.2 and 8.8.5. */
const FIRST: ReadonlyMap<string, string> = new Map([["moov", "mvhd"], ["moof", "mfhd"]]);
/** Bytes of a description by which it is known: its header and that of the first box in it. */
const KNOWN_BYTES = 16;

const AS_FILE = "give the file itself with --input, or let ffmpeg write it in fragments: " +
  "-f mp4 -movflags frag_keyframe+empty_moov";

/**
 * Gives the frames of the first video, each as soon as its bytes have come. What is no box is left
 * out up to the next fragment.
 */
export class MovieFinder implements FrameFinder {
  readonly input: FrameInput;
  readonly #options: ContainerOptions;
  readonly #times = new JoinedTimes();
  #movie: Uint8Array = new Uint8Array(0);
  #video: MovieVideo | undefined;
  /** Readers by the index of their description. */
  #tracks = new Map<number, LiveTrack>();
  /** The sample that comes next of those that were announced, and those behind it. */
  #sample: MovieSample | undefined;
  #samples: Iterator<MovieSample> = [].values();
  #nextTime = 0;
  /** Offset at which the file begins that is read: others may stand in front of it. */
  #fileStart = 0;
  /** Offset behind the box with samples that is read, while one is. */
  #dataEnd: number | undefined;
  /** Bytes at the first unread one that are still to be passed over. */
  #passing = 0;
  /** Whether the box at the first unread byte was found by a search. */
  #isSearched = false;
  #passed = 0;
  /** Offset at which samples or boxes go on behind what was broken. */
  #goesOnAt = -1;
  /** Offset up to which a sample has been searched for a fragment. */
  #searchedTo = 0;
  #hasNoted = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.input = new FrameInput(options);
  }

  get passed(): number {
    return this.#passed;
  }

  push(chunk: Uint8Array): void {
    this.input.push(chunk);
  }

  end(): void {
    this.input.end();
  }

  next(): SplitFrame | undefined {
    for (;;) {
      const frame = this.#step();
      if (frame !== "more") return frame;
    }
  }

  findStart(from: number): number {
    const { bytes, offset } = this.input;
    if (offset + from === this.#goesOnAt) return from;
    this.#goesOnAt = -1;
    return findDescription(bytes, { from, isOpen: true }) ?? bytes.length;
  }

  restart(): void {
    if (this.input.offset === this.#goesOnAt) return;
    this.#dataEnd = undefined;
    this.#passing = 0;
    this.#expect([]);
    this.#isSearched = true;
  }

  /** Deals with one box, sample, or part of it; a frame, or nothing where bytes are missing. */
  #step(): SplitFrame | "more" | undefined {
    const { input } = this;
    if (this.#passing > 0) return this.#pass();
    if (input.finished && this.#sample !== undefined) {
      this.#expect([]);
      input.cutOff("the frames that were announced");
    }
    if (input.finished) return undefined;
    if (this.#dataEnd !== undefined) return this.#readData(this.#dataEnd);
    const { bytes, offset } = input;
    const header = bytes.subarray(0, BOX_HEADER_BYTES);
    const box = readBox(header, offset, Infinity);
    if (box === undefined) {
      if (header.length === BOX_HEADER_BYTES) this.#failAtBox();
      return this.#lack("a box of an MP4");
    }
    if (this.#isSearched && !isDescription(bytes, 0)) {
      return bytes.length < KNOWN_BYTES ? this.#lack("a box of an MP4") : this.#failAtBox();
    }
    this.#isSearched = false;
    switch (box.type) {
      case "moov":
        return this.#readWhole(box, (movie) => this.#follow(movie));
      case "moof":
        return this.#readWhole(box, (fragment) => this.#announce(fragment, box));
      case "mdat":
        return this.#enterData(box);
      default:
        if (box.type === "ftyp") this.#fileStart = box.start;
        if (!OTHERS.has(box.type) || box.end - box.start > MAX_PASSED_BYTES) this.#failAtBox();
        this.#passing = box.end - box.start;
        return "more";
    }
  }

  #pass(): "more" | undefined {
    const { input } = this;
    if (input.length === 0) {
      // A box without a size reaches to the end.
      if (!input.ended || this.#passing === Infinity) return undefined;
      this.#passing = 0;
      this.#dataEnd = undefined;
      input.cutOff("the rest of a box");
    }
    const count = Math.min(this.#passing, input.length);
    input.skip(count);
    this.#passing -= count;
    return "more";
  }

  #readWhole(box: Box, read: (content: Uint8Array) => void): "more" | undefined {
    const { input } = this;
    const length = box.end - box.start;
    const maxBytes = maxDescriptionBytes(this.#options, MAX_DESCRIPTION_BYTES);
    if (length > maxBytes) return this.#failAtDescription(box, maxBytes);
    input.expect(length);
    if (input.length < length) return this.#lack(`a box of ${length} bytes`);
    read(input.bytes.subarray(box.content - box.start, length));
    input.skip(length);
    return "more";
  }

  /** A movie that is described at such length cannot be read; a fragment may be no fragment. */
  #failAtDescription({ type, start, end }: Box, maxBytes: number): never {
    const isMovie = type === "moov" && this.#video === undefined && end - start < Infinity;
    if (!isMovie) return this.#failAtBox();
    return failForGood(this.input, {
      expected: `a list of frames of at most ${maxBytes} bytes`,
      found: `one of ${end - start}`,
      advice: AS_FILE,
    });
  }

  /** Takes the first video of a movie. */
  #follow(movie: Uint8Array): void {
    const { input } = this;
    // A program that is started again mostly writes what it wrote before.
    this.#times.restart();
    this.#nextTime = 0;
    if (isSameMovie(movie, this.#movie)) return this.#expectListed(this.#video!);
    this.#movie = movie.slice();
    const { video, isEncrypted, hasSound, otherVideos } = readMovie(this.#movie);
    if (video === undefined) {
      const found = hasSound ? "only audio" : "none";
      failForGood(input, { expected: "video", found, advice: "give an input with video" });
    }
    if (isEncrypted) {
      const advice = "decrypt it first: ffmpeg -decryption_key KEY -i INPUT -c copy plain.mp4";
      failForGood(input, {
        expected: "frames without encryption",
        found: "encrypted ones",
        advice,
      });
    }
    this.#video = video;
    this.#tracks = new Map();
    this.#expectListed(video);
    this.#note({ hasSound, otherVideos });
  }

  /** Takes samples that are announced. */
  #expect(samples: Iterable<MovieSample>): void {
    this.#samples = samples[Symbol.iterator]();
    this.#advance();
  }

  #expectListed({ table }: MovieVideo): void {
    this.#expect(listedSamples(table, this.#fileStart));
  }

  #advance(): void {
    const { done, value } = this.#samples.next();
    this.#sample = done === true ? undefined : value;
  }

  /** Says once what is left out. */
  #note(
    { hasSound, otherVideos }: { readonly hasSound: boolean; readonly otherVideos: number },
  ): void {
    const { name = STANDARD_INPUT, onNote } = this.#options;
    if (this.#hasNoted) return;
    this.#hasNoted = true;
    if (hasSound) onNote?.(soundNote(name));
    if (otherVideos > 0) onNote?.(otherVideosNote(name, otherVideos));
  }

  #announce(fragment: Uint8Array, { start, end }: Box): void {
    const video = this.#video;
    if (video === undefined) {
      return failForGood(this.input, {
        expected: "the description of an MP4 (moov) in front of its fragments",
        found: "a fragment",
        advice: "start the program that writes it again, so that the input begins at its beginning",
      });
    }
    if (this.#sample !== undefined) {
      this.#expect([]);
      this.#goOn(0, () => this.#failAtSample("another fragment"));
    }
    try {
      const read = readFragment(fragment, {
        video,
        start,
        fileStart: this.#fileStart,
        nextTime: this.#nextTime,
      });
      this.#expect(read.samples);
      this.#nextTime = read.nextTime;
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      this.#goOn(end - start, () =>
        this.input.fail({
          at: 0,
          expected: "a description of frames (moof)",
          found: `something else: ${error.message}`,
        }));
    }
  }

  #enterData({ start, content, end }: Box): "more" {
    if (this.#video === undefined) {
      const found = "one whose list of frames stands at its end";
      failForGood(this.input, {
        expected: "an MP4 with the list of its frames in front",
        found,
        advice: AS_FILE,
      });
    }
    this.#dataEnd = end;
    this.#passing = content - start;
    return "more";
  }

  #readData(dataEnd: number): SplitFrame | "more" | undefined {
    const { input } = this;
    const { offset } = input;
    const sample = this.#sample;
    if (sample === undefined || sample.offset + sample.size > dataEnd) {
      this.#dataEnd = undefined;
      this.#passing = dataEnd - offset;
      return "more";
    }
    if (sample.offset < offset) {
      this.#passMissed(offset);
      return this.#goOn(0, () => this.#failAtSample("one that begins in front of others"));
    }
    if (sample.offset > offset) {
      this.#passing = sample.offset - offset;
      return "more";
    }
    return this.#readSample(sample);
  }

  /** Passes over samples that begin in front of what is read. */
  #passMissed(offset: number): void {
    let left = MAX_MISSED;
    while (this.#sample !== undefined && this.#sample.offset < offset && left-- > 0) {
      this.#advance();
    }
    if (left < 0) this.#expect([]);
  }

  #readSample(sample: MovieSample): SplitFrame | undefined {
    const { input } = this;
    const { size } = sample;
    if (size > input.maxFrameBytes) {
      this.#advance();
      this.#goOn(size, () => input.checkFrameBytes(size));
    }
    input.expect(size);
    this.#checkWithin(size);
    if (input.length < size) return this.#lack(`a frame of ${size} bytes`);
    this.#advance();
    try {
      const frame = this.#frameOf(sample, input.bytes.subarray(0, size));
      input.pass(size, 1);
      return frame;
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      return this.#goOn(size, () => this.#failAtSample(`something else: ${error.message}`));
    }
  }

  #frameOf({ description, time }: MovieSample, data: Uint8Array): SplitFrame {
    const { timescale, startTime, descriptions } = this.#video!;
    const timeUs = Math.round((time - startTime) / timescale * 1e6);
    const index = Math.max(0, Math.min(description, descriptions.length - 1));
    let track = this.#tracks.get(index);
    if (track === undefined) {
      track = new LiveTrack(descriptions[index]!, this.input, this.#options);
      this.#tracks.set(index, track);
    }
    const frame = track.read({ data, ptsUs: timeUs });
    const ptsUs = this.#times.next(timeUs);
    return { ...frame, ptsUs, ...timeUs < 0 ? { catchUp: true } : {} };
  }

  /** Fails where a fragment begins within a sample, of which bytes are missing then. */
  #checkWithin(size: number): void {
    const { bytes, offset } = this.input;
    const sample = bytes.subarray(0, size);
    const from = Math.max(0, this.#searchedTo - offset);
    const at = findDescription(sample, { from, isOpen: false });
    this.#searchedTo = Math.max(this.#searchedTo, offset + sample.length - KNOWN_BYTES);
    if (at === undefined) return;
    this.#passed = at;
    this.#goesOnAt = -1;
    this.input.fail({ at, expected: "the rest of a frame", found: "another fragment" });
  }

  #failAtSample(found: string): never {
    this.input.fail({ at: 0, expected: "a frame", found });
  }

  /** Fails at something that is passed over as it comes, and behind which the film goes on. */
  #goOn(bytes: number, fail: () => void): never {
    this.#passing = bytes;
    this.#passed = 0;
    this.#goesOnAt = this.input.offset;
    fail();
    throw new TypeError("Cannot go on behind what is not broken");
  }

  #failAtBox(): never {
    this.#passed = 1;
    this.#goesOnAt = -1;
    this.input.fail({ at: 0, expected: "a box of an MP4", found: hex(this.input.bytes) });
  }

  #lack(expected: string): undefined {
    this.#passed = Math.min(1, this.input.length);
    this.#goesOnAt = -1;
    return this.input.lack(expected);
  }
}

/**
 * Where a movie or a fragment is described at `from` or behind it; where `isOpen`, also where one
 * may turn out to begin with bytes that have not come.
 */
function findDescription(
  bytes: Uint8Array,
  { from, isOpen }: { readonly from: number; readonly isOpen: boolean },
): number | undefined {
  for (let at = bytes.indexOf(0, from); at >= 0; at = bytes.indexOf(0, at + 1)) {
    const isCut = at + KNOWN_BYTES > bytes.length;
    if (isCut && !isOpen) return undefined;
    if (isDescription(bytes, at) || (isCut && mayBeDescription(bytes, at))) return at;
  }
  return undefined;
}

function isDescription(bytes: Uint8Array, at: number): boolean {
  if (at + KNOWN_BYTES > bytes.length || bytes[at] !== 0 || bytes[at + 4] !== 0x6d) return false;
  const type = textAt(bytes, at + 4);
  return FIRST.get(type) === textAt(bytes, at + 12);
}

/** Whether bytes that end within the first of a description may become one. */
function mayBeDescription(bytes: Uint8Array, at: number): boolean {
  const text = textAt(bytes, at + 4);
  return [...FIRST].some(([type, first]) =>
    type.startsWith(text) && first.startsWith(textAt(bytes, at + 12))
  );
}

function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

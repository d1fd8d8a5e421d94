/**
 * Access units of a byte stream: annex B of ITU-T H.264 and of ITU-T H.265.
 *
 * @module
 */
import { withHeadroom } from "../bytes/headroom.ts";
import { hex } from "../bytes/text.ts";
import { bareConfig, type FrameKind, type StreamConfig } from "../core/frame.ts";
import { InputError, type InputFault } from "../errors.ts";
import { videoConfig } from "./config.ts";
import { type FrameFault, FrameInput } from "./frame_input.ts";
import { findStartCode, MAX_NAL_UNITS, type NalUnit, START_CODE_BYTES } from "./nal.ts";
import { MIN_SEARCH_BYTES } from "./resync.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";
import type { VideoFacts } from "./video_facts.ts";

/** Most bytes in front of the first start code. */
export const MAX_JUNK_BYTES = 65_536;
/** Most bytes that may go with a slice that is yet to come, behind a slice. */
export const MAX_PREFIX_BYTES = 65_536;

const PICTURE = "a picture (a slice after a start code)";

/**
 * What a NAL unit does to the access unit behind which it stands.
 *
 * - `delimiter`: an access unit delimiter; begins another.
 * - `opens`: begins another, once this one has a picture.
 * - `may-open`: belongs to the picture that follows, be it of this access unit or of another.
 * - `picture`: the first slice of a picture; begins another access unit once this one has one.
 * - `slice`: any other slice.
 * - `inside`: all else.
 */
export type NalRole = "delimiter" | "opens" | "may-open" | "picture" | "slice" | "inside";

/** What an access unit is, and what it lacks. */
export interface AccessUnit {
  readonly kind: FrameKind;
  /** As in {@linkcode SplitFrame}. */
  readonly leading: boolean;
  /** As in {@linkcode SplitFrame}. Absent: false. */
  readonly isReordered?: boolean;
  /** What the parameter sets that it refers to say, `undefined` where they have not been seen. */
  readonly facts: VideoFacts | undefined;
  /** Parameter sets that a key frame refers to but does not hold, each behind a start code. */
  readonly lacks: readonly Uint8Array[];
}

/** How H.264 and H.265 differ. It sees all access units of a stream in order. */
export interface AccessUnitSyntax {
  readonly format: "h264" | "hevc";
  /**
   * The role of the NAL unit whose header is at `start`; `undefined` when its first bytes have not
   * all come.
   *
   * @param sliceBefore first byte of the slice before in the same access unit, if there is one.
   */
  roleOf(bytes: Uint8Array, start: number, sliceBefore: number | undefined): NalRole | undefined;
  /** Reads a whole access unit, and keeps its parameter sets. */
  read(bytes: Uint8Array, units: readonly NalUnit[]): AccessUnit;
}

/** A NAL unit of the access unit that is being collected. */
interface FoundUnit {
  /** Offset of its start code, with the zero that makes it a long one. */
  readonly code: number;
  /** Offset of its header. */
  readonly start: number;
}

/**
 * Splits a byte stream into access units. All frames together are the input again, but for
 * parameter sets that are put into key frames and for what is left out.
 *
 * A start code of four bytes belongs to the NAL unit behind it; more zeros belong to the one before.
 * Left out, and counted in `damaged`, is what stands in front of the first start code, an access
 * unit that another delimiter ends before it has a picture, and what follows the last picture and
 * is no part of it. Where it resynchronises, so is an access unit over the limit.
 *
 * An access unit that is given while the input is idle may go on later. What then comes of it, the
 * rest of a NAL unit or more slices, is a delta frame of its own: together they are the same bytes.
 */
export class AnnexBSplitter implements Splitter {
  readonly #input: FrameInput;
  readonly #syntax: AccessUnitSyntax;
  #config: StreamConfig;
  #damaged = 0;
  #fault: InputFault | undefined;
  /** Whether the access unit has been found to be over the limit; what has come of it is gone. */
  #isTooLarge = false;
  #frameOffset = 0;
  /** Whether the first start code has been found. */
  #hasStarted = false;
  #isIdle = false;
  /** Whether the unread bytes may begin with the rest of a frame that was given when idle. */
  #isRest = false;
  /** Where the search for start codes goes on: none that has been dealt with begins there or later. */
  #searched = 0;
  #units: FoundUnit[] = [];
  #hasPicture = false;
  #hasDelimiter = false;
  #sliceBefore: number | undefined;
  /** Where the NAL units begin that go with the next slice, behind a slice. */
  #mayEnd: number | undefined;

  constructor(options: SplitterOptions, syntax: AccessUnitSyntax) {
    this.#input = new FrameInput(options);
    this.#syntax = syntax;
    this.#config = bareConfig(syntax.format);
  }

  get damaged(): number {
    return this.#damaged;
  }

  get fault(): InputFault | undefined {
    return this.#fault;
  }

  /** Where in the input the last frame began. */
  get frameOffset(): number {
    return this.#frameOffset;
  }

  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
    this.#isIdle = false;
  }

  end(): void {
    this.#input.end();
  }

  idle(): void {
    this.#isIdle = true;
  }

  next(): SplitFrame | undefined {
    const input = this.#input;
    if (input.finished) return undefined;
    if (!this.#hasStarted && !this.#start()) {
      return input.lack("a start code (00 00 01)");
    }
    for (;;) {
      const end = this.#findEnd();
      if (end === undefined) return this.#takeUnfinished();
      if (!this.#hasPicture) this.#leaveOut(end);
      const frame = this.#hasPicture ? this.#take(end) : undefined;
      if (frame !== undefined) return frame;
    }
  }

  /** Passes over what is in front of the first start code; false if that has not come yet. */
  #start(): boolean {
    const { bytes, resyncs, maxFrameBytes } = this.#input;
    const mostBytes = resyncs ? Math.max(MIN_SEARCH_BYTES, maxFrameBytes) : MAX_JUNK_BYTES;
    const code = findStartCode(bytes, this.#searched);
    // A zero in front of a start code, and two of its bytes, may be what ends the unread bytes.
    const junkBytes = code < 0 ? bytes.length - START_CODE_BYTES : codeStart(bytes, code);
    if (junkBytes > mostBytes) {
      this.#input.fail({
        at: 0,
        expected: `a start code (00 00 01) within the first ${mostBytes} bytes`,
        found: hex(bytes),
      });
    }
    this.#searched = Math.max(this.#searched, bytes.length - 2);
    if (code < 0) return false;
    // Zeros in front of the first start code (leading_zero_8bits, B.1.1) are no damage.
    if (hasContent(bytes, junkBytes)) {
      this.#note({ at: 0, expected: "a start code (00 00 01)", found: hex(bytes) });
    }
    this.#input.skip(junkBytes);
    this.#searched = 0;
    this.#hasStarted = true;
    return true;
  }

  /** Where the access unit ends, `undefined` when what follows it has not come yet. */
  #findEnd(): number | undefined {
    const { bytes } = this.#input;
    for (;;) {
      const code = findStartCode(bytes, this.#searched);
      if (code < 0) {
        this.#searched = Math.max(this.#searched, bytes.length - 2);
        return undefined;
      }
      this.#searched = code;
      const start = code + START_CODE_BYTES;
      const role = this.#syntax.roleOf(bytes, start, this.#sliceBefore);
      if (role === undefined) return undefined;
      const unit = { code: codeStart(bytes, code), start };
      const isFirst = this.#units.length === 0;
      if (this.#isRest && isFirst) this.#hasPicture = hasContent(bytes, unit.code);
      if (this.#isEndedBy(role) || this.#isPrefixOver(unit.code)) return this.#mayEnd ?? unit.code;
      this.#add(unit, role, bytes[start]!);
      this.#searched = start;
    }
  }

  #isEndedBy(role: NalRole): boolean {
    if (role === "delimiter") return this.#hasPicture || this.#hasDelimiter;
    return this.#hasPicture && (role === "opens" || role === "picture");
  }

  /** Whether the NAL units that go with the next slice are too many for that to be of this picture. */
  #isPrefixOver(end: number): boolean {
    return this.#mayEnd !== undefined && end - this.#mayEnd > MAX_PREFIX_BYTES;
  }

  #add(unit: FoundUnit, role: NalRole, header: number): void {
    if (this.#units.length < MAX_NAL_UNITS) this.#units.push(unit);
    if (role === "delimiter") this.#hasDelimiter = true;
    if (role === "may-open" && this.#hasPicture) this.#mayEnd ??= unit.code;
    if (role !== "picture" && role !== "slice") return;
    this.#hasPicture = true;
    this.#sliceBefore = header;
    this.#mayEnd = undefined;
  }

  /** The access unit at the end of the unread bytes, if nothing else is to come. */
  #takeUnfinished(): SplitFrame | undefined {
    const input = this.#input;
    const { bytes } = input;
    const known = this.#knownEnd(bytes);
    const end = this.#mayEnd ?? known;
    if (this.#isPrefixOver(known)) return this.#take(end);
    if (input.ended || this.#isIdle) {
      if (this.#isRest && this.#units.length === 0) this.#hasPicture = hasContent(bytes, end);
      if (this.#hasPicture) {
        const frame = this.#take(end);
        this.#isRest = true;
        return frame;
      }
    }
    // A frame of the largest size is known to end only by what follows it.
    if (input.resyncs) this.#boundUnfinished(end);
    else input.checkUnfinished(end - 1);
    if (input.framesTaken === 0) {
      if (input.ended && this.#fault?.isTooLarge === true) throw new InputError(this.#fault);
      return input.lack(PICTURE);
    }
    if (input.ended && input.length > 0) this.#leaveOut(input.length);
    return undefined;
  }

  /** Forgets what there is of an access unit that is over the limit already, but not what it is. */
  #boundUnfinished(end: number): void {
    const { maxFrameBytes } = this.#input;
    if (end <= maxFrameBytes || this.#input.ended) return;
    this.#noteTooLarge(end);
    const bytes = this.#input.bytes.subarray(0, end);
    this.#syntax.read(bytes, this.#nalUnits(bytes));
    this.#units = [];
    this.#isRest = false;
    this.#searched = Math.max(0, this.#searched - end);
    if (this.#mayEnd !== undefined) this.#mayEnd = 0;
    this.#input.skip(end);
  }

  #noteTooLarge(bytes: number): void {
    const { maxFrameBytes } = this.#input;
    if (!this.#isTooLarge) {
      this.#note({
        at: 0,
        expected: `at most ${maxFrameBytes} bytes (--max-frame)`,
        found: `a frame of ${bytes} or more`,
        advice: "raise --max-frame or make the pictures smaller",
        isTooLarge: true,
      });
    }
    this.#isTooLarge = true;
  }

  #note(fault: FrameFault): void {
    this.#damaged++;
    this.#fault = this.#input.describe(fault);
  }

  /** Where the NAL units end as far as is known: in front of what may be a start code. */
  #knownEnd(bytes: Uint8Array): number {
    const code = findStartCode(bytes, this.#searched);
    if (code >= 0) return codeStart(bytes, code);
    if (this.#input.ended) return bytes.length;
    let end = bytes.length;
    while (end > 0 && bytes.length - end < START_CODE_BYTES && bytes[end - 1] === 0) end--;
    return end;
  }

  /** The access unit of so many bytes, unless that is too large and is left out. */
  #take(end: number): SplitFrame | undefined {
    const input = this.#input;
    if (this.#isTooLarge) return this.#pass(end);
    const bytes = input.bytes.subarray(0, end);
    const unit = this.#syntax.read(bytes, this.#nalUnits(bytes));
    const at = this.#placeOfParameterSets(bytes);
    const wholeBytes = unit.lacks.reduce((sum, { length }) => sum + length, end);
    if (input.resyncs && wholeBytes > input.maxFrameBytes) {
      this.#noteTooLarge(wholeBytes);
      return this.#pass(end);
    }
    input.checkFrameBytes(wholeBytes);
    if (unit.facts !== undefined && (unit.kind === "key" || this.#config.codec === null)) {
      this.#config = videoConfig(this.#config, this.#syntax.format, unit.facts);
    }
    this.#forgetUnit();
    this.#frameOffset = input.offset;
    const data = input.take(end);
    return {
      data: unit.lacks.length === 0
        ? data
        : withHeadroom([data.subarray(0, at), ...unit.lacks, data.subarray(at)]),
      kind: unit.kind,
      ...(unit.kind === "key" ? { configuration: true } : {}),
      ...(unit.leading ? { leading: true } : {}),
      ...(unit.isReordered ? { isReordered: true } : {}),
      ptsUs: null,
      config: this.#config,
    };
  }

  /** Passes over bytes that hold no picture; their parameter sets are kept, and zeros are no damage. */
  #leaveOut(end: number): void {
    if (this.#isTooLarge) return this.#pass(end);
    const bytes = this.#input.bytes.subarray(0, end);
    if (!this.#input.resyncs) this.#input.checkFrameBytes(end);
    this.#syntax.read(bytes, this.#nalUnits(bytes));
    if (hasContent(bytes, end)) this.#note({ at: 0, expected: PICTURE, found: hex(bytes) });
    this.#pass(end);
  }

  /** Passes over the access unit. */
  #pass(end: number): undefined {
    this.#forgetUnit();
    this.#input.skip(end);
  }

  #forgetUnit(): void {
    this.#searched = 0;
    this.#units = [];
    this.#hasPicture = false;
    this.#hasDelimiter = false;
    this.#sliceBefore = undefined;
    this.#mayEnd = undefined;
    this.#isRest = false;
    this.#isTooLarge = false;
  }

  #nalUnits(bytes: Uint8Array): NalUnit[] {
    const units = this.#units.filter(({ start }) => start < bytes.length);
    return units.map(({ start }, index) => {
      let end = units[index + 1]?.code ?? bytes.length;
      while (end > start && bytes[end - 1] === 0) end--;
      return { start, end };
    });
  }

  /** Behind a delimiter that is the first NAL unit, else in front of all: 7.4.1.2.3, 7.4.2.4.4. */
  #placeOfParameterSets(bytes: Uint8Array): number {
    const [first, second] = this.#units;
    if (first === undefined) return 0;
    const isDelimiter = this.#syntax.roleOf(bytes, first.start, undefined) === "delimiter";
    return isDelimiter ? second?.code ?? bytes.length : 0;
  }
}

/** Where the start code begins that has its 00 00 01 at `code`: at a zero before it (zero_byte). */
function codeStart(bytes: Uint8Array, code: number): number {
  return code > 0 && bytes[code - 1] === 0 ? code - 1 : code;
}

function hasContent(bytes: Uint8Array, end: number): boolean {
  for (let at = 0; at < end; at++) if (bytes[at] !== 0) return true;
  return false;
}

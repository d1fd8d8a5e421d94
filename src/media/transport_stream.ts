/**
 * MPEG-TS: ITU-T H.222.0 (ISO/IEC 13818-1), of which clauses are named.
 *
 * @module
 */
import type { ByteSource } from "./random_access_file.ts";

/** Bytes of a packet, 2.4.3.2, and what it begins with. */
const PACKET_BYTES = 188;
const SYNC = 0x47;
/** Distances of packets: alone, behind a time code (M2TS), and in front of a checksum. */
const STRIDES = [188, 192, 204] as const;
/** Bytes at the beginning of a file in which packets are looked for. */
const PROBED_BYTES = 16 * 1024;
const PROGRAM_TABLE_PID = 0;
const MAX_SECTION_BYTES = 4096;
/** Most streams that are listed of a program. */
const MAX_STREAMS = 256;

/** How packets lie in a file. */
export interface TransportLayout {
  /** Offset of the first packet. */
  readonly start: number;
  /** Bytes from one packet to the next. */
  readonly stride: number;
}

/** How a file of MPEG-TS is laid out, `undefined` where it is none. */
export async function isTransportStream(file: ByteSource): Promise<TransportLayout | undefined> {
  const bytes = await file.read(0, PROBED_BYTES);
  for (const start of [0, 4]) {
    const stride = STRIDES.find((stride) => hasPackets(bytes, start, stride));
    if (stride !== undefined) return { start, stride };
  }
  return undefined;
}

/** Whether packets stand at that distance; one may be the file's last. */
function hasPackets(bytes: Uint8Array, start: number, stride: number): boolean {
  if (bytes.length < start + PACKET_BYTES) return false;
  for (let index = 0; index < 2; index++) {
    const at = start + index * stride;
    if (at >= bytes.length) return index > 0;
    if (bytes[at] !== SYNC) return false;
  }
  return true;
}

/** A part of what a stream of a program carries. */
export interface StreamPart {
  readonly pid: number;
  /** Bytes of the stream behind those of the part before. */
  readonly data: Uint8Array;
  /** The times that stand in front of them, where a PES packet begins. */
  readonly times: PesTimes | undefined;
  /** Offset of its packet in the file. */
  readonly at: number;
}

/** Times of a PES packet in units of 1/90,000 s, 2.4.3.7; `undefined` where it has none. */
export interface PesTimes {
  readonly pts: number | undefined;
  readonly dts: number | undefined;
}

/** A stream of a program, 2.4.4.9. */
export interface ProgramStream {
  readonly pid: number;
  /** stream_type, Table 2-34. */
  readonly type: number;
}

/**
 * Takes packets apart. Bytes between packets are passed over, as are packets of which a part is
 * missing: the next packet is where three stand behind one another.
 */
export class TransportDemuxer {
  readonly #stride: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Offset in the file of the bytes that are held. */
  #offset: number;
  #damaged = 0;
  #fault: string | undefined;
  #isInSync = true;
  #isEnded = false;
  #programPid: number | undefined;
  #streams: readonly ProgramStream[] = [];
  #isScrambled = false;
  readonly #counters = new Map<number, number>();
  readonly #sections = new Map<number, Uint8Array>();

  constructor({ start, stride }: TransportLayout) {
    this.#offset = start;
    this.#stride = stride;
  }

  /** Runs of bytes passed over, and packets that were missing in a stream. */
  get damaged(): number {
    return this.#damaged;
  }

  /** What was wrong the last time, as a clause. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The streams of the first program; none before it is known. */
  get streams(): readonly ProgramStream[] {
    return this.#streams;
  }

  /** Whether a packet was scrambled, 2.4.3.3. */
  get isScrambled(): boolean {
    return this.#isScrambled;
  }

  /** Appends bytes of the file. */
  push(chunk: Uint8Array): void {
    const rest = this.#bytes.subarray(this.#at);
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    this.#bytes = bytes;
    this.#offset += this.#at;
    this.#at = 0;
  }

  /** No more bytes come. */
  end(): void {
    this.#isEnded = true;
  }

  /** The next part of a stream of the program; `undefined` when more bytes are needed. */
  next(): StreamPart | undefined {
    for (;;) {
      const packet = this.#nextPacket();
      if (packet === undefined) return undefined;
      const part = this.#read(packet, this.#offset + packet.byteOffset - this.#bytes.byteOffset);
      if (part !== undefined) return part;
    }
  }

  #nextPacket(): Uint8Array | undefined {
    const bytes = this.#bytes;
    for (;;) {
      const at = this.#at;
      if (!this.#isInSync && !this.#findSync()) return undefined;
      if (this.#at + PACKET_BYTES > bytes.length) {
        if (this.#isEnded) this.#leaveOutRest();
        return undefined;
      }
      if (bytes[this.#at] !== SYNC) {
        this.#lose();
        continue;
      }
      const next = this.#at + this.#stride;
      if (next >= bytes.length && !this.#isEnded) return undefined;
      // A packet that is cut off has the next ones within it.
      if (next < bytes.length && bytes[next] !== SYNC) {
        const inner = this.#syncBetween(this.#at + 1, this.#at + PACKET_BYTES);
        if (inner === "more") return undefined;
        if (inner !== undefined) {
          this.#leaveOut(`the packet at byte ${this.#offset + this.#at} is cut off`);
          this.#at = inner;
          continue;
        }
      }
      const start = Math.max(at, this.#at);
      this.#at = Math.min(next, bytes.length);
      return bytes.subarray(start, start + PACKET_BYTES);
    }
  }

  #lose(): void {
    this.#isInSync = false;
    this.#leaveOut(`what stands at byte ${this.#offset + this.#at} is no packet of MPEG-TS`);
  }

  /** Passes over a packet of which the file has only the beginning. */
  #leaveOutRest(): void {
    if (this.#bytes[this.#at] === SYNC) this.#leaveOut("the file was cut off before its end");
    this.#at = this.#bytes.length;
  }

  #leaveOut(why: string): void {
    this.#damaged++;
    this.#fault = why;
  }

  /** Moves on to where packets begin again; false where that is not among the bytes so far. */
  #findSync(): boolean {
    const found = this.#syncBetween(this.#at, this.#bytes.length);
    if (typeof found === "number") {
      this.#at = found;
      this.#isInSync = true;
      return true;
    }
    if (found === undefined) this.#at = this.#bytes.length;
    return false;
  }

  /** The first offset at which three packets begin; `more` where that takes more bytes to say. */
  #syncBetween(from: number, to: number): number | "more" | undefined {
    const bytes = this.#bytes;
    for (let at = bytes.indexOf(SYNC, from); at >= 0 && at < to; at = bytes.indexOf(SYNC, at + 1)) {
      const following = [at + this.#stride, at + 2 * this.#stride];
      if (following.every((next) => bytes[next] === SYNC)) return at;
      const isOpen = following.every((next) => next >= bytes.length || bytes[next] === SYNC);
      if (!isOpen) continue;
      if (!this.#isEnded) {
        if (from === this.#at) this.#at = at;
        return "more";
      }
      if (at + PACKET_BYTES <= bytes.length) return at;
    }
    return undefined;
  }

  /** A packet's part of a stream, 2.4.3.3; `undefined` for all that is not of the program. */
  #read(packet: Uint8Array, at: number): StreamPart | undefined {
    const isBroken = (packet[1]! & 0x80) !== 0;
    const isStart = (packet[1]! & 0x40) !== 0;
    const pid = (packet[1]! & 0x1f) * 256 + packet[2]!;
    const hasAdaptation = (packet[3]! & 0x20) !== 0;
    const hasPayload = (packet[3]! & 0x10) !== 0;
    const counter = packet[3]! & 0x0f;
    const adaptationBytes = hasAdaptation ? packet[4]! + 1 : 0;
    if (isBroken || !hasPayload || 4 + adaptationBytes > PACKET_BYTES) return undefined;
    const isStream = this.#streams.some((stream) => stream.pid === pid);
    const isDiscontinuity = hasAdaptation && packet[4]! > 0 && (packet[5]! & 0x80) !== 0;
    const last = this.#counters.get(pid);
    // A packet may come twice, 2.4.3.3.
    if (last === counter && !isDiscontinuity) return undefined;
    this.#counters.set(pid, counter);
    const isAfterLoss = last !== undefined && !isDiscontinuity && counter !== ((last + 1) & 0x0f);
    const payload = packet.subarray(4 + adaptationBytes);
    if (pid === PROGRAM_TABLE_PID || pid === this.#programPid) {
      this.#readSection(pid, payload, isStart);
      return undefined;
    }
    if (!isStream) return undefined;
    if ((packet[3]! & 0xc0) !== 0) {
      this.#isScrambled = true;
      return undefined;
    }
    const pes = isStart ? readPesHeader(payload) : undefined;
    const data = payload.subarray(pes?.headerBytes ?? 0);
    // Files that were joined begin to count anew, with a frame; one that lacks its middle does not.
    if (isAfterLoss && pes === undefined) this.#leaveOut(`packets are missing before byte ${at}`);
    return { pid, data, times: pes, at };
  }

  /** Collects a section, 2.4.4.2, and reads it once it is whole. */
  #readSection(pid: number, payload: Uint8Array, isStart: boolean): void {
    const begun = isStart ? new Uint8Array(0) : this.#sections.get(pid);
    if (begun === undefined) return;
    const part = isStart ? payload.subarray(1 + (payload[0] ?? 0)) : payload;
    const section = new Uint8Array(begun.length + part.length);
    section.set(begun);
    section.set(part, begun.length);
    const end = section.length < 3 ? Infinity : 3 + (section[1]! & 0x0f) * 256 + section[2]!;
    if (section.length < end) {
      if (section.length < MAX_SECTION_BYTES) this.#sections.set(pid, section);
      return;
    }
    this.#sections.delete(pid);
    // Without its checksum.
    const content = section.subarray(0, end - 4);
    if (pid === PROGRAM_TABLE_PID && content[0] === 0x00) this.#readPrograms(content);
    else if (pid === this.#programPid && content[0] === 0x02) this.#readStreams(content);
  }

  /** program_association_section, 2.4.4.3. */
  #readPrograms(section: Uint8Array): void {
    for (let at = 8; at + 4 <= section.length; at += 4) {
      const number = section[at]! * 256 + section[at + 1]!;
      if (number === 0) continue;
      this.#programPid = (section[at + 2]! & 0x1f) * 256 + section[at + 3]!;
      return;
    }
  }

  /** TS_program_map_section, 2.4.4.8. */
  #readStreams(section: Uint8Array): void {
    const streams: ProgramStream[] = [];
    let at = 12 + (section[10]! & 0x0f) * 256 + section[11]!;
    while (at + 5 <= section.length && streams.length < MAX_STREAMS) {
      const pid = (section[at + 1]! & 0x1f) * 256 + section[at + 2]!;
      streams.push({ pid, type: section[at]! });
      at += 5 + (section[at + 3]! & 0x0f) * 256 + section[at + 4]!;
    }
    if (streams.length > 0) this.#streams = streams;
  }
}

/** The header of a PES packet, 2.4.3.6; `undefined` where it is none. */
function readPesHeader(
  payload: Uint8Array,
): (PesTimes & { readonly headerBytes: number }) | undefined {
  const isPes = payload.length >= 9 && payload[0] === 0 && payload[1] === 0 && payload[2] === 1;
  if (!isPes) return undefined;
  const flags = payload[7]!;
  const pts = (flags & 0x80) !== 0 ? readTime(payload, 9) : undefined;
  const dts = (flags & 0x40) !== 0 ? readTime(payload, 14) : pts;
  return { pts, dts, headerBytes: Math.min(payload.length, 9 + payload[8]!) };
}

/** A time of 33 bits between marker bits. */
function readTime(bytes: Uint8Array, at: number): number | undefined {
  if (at + 5 > bytes.length) return undefined;
  const high = (bytes[at]! >> 1) & 7;
  const middle = (bytes[at + 1]! << 7) | (bytes[at + 2]! >> 1);
  const low = (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1);
  return high * 2 ** 30 + middle * 2 ** 15 + low;
}

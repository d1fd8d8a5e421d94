/**
 * MPEG-TS: ITU-T H.222.0 (ISO/IEC 13818-1), of which clauses are named.
 *
 * @module
 */
/** Bytes of a packet, 2.4.3.2, and what it begins with. */
const PACKET_BYTES = 188;
const SYNC = 0x47;
/** Distances of packets: alone, behind a time code (M2TS), and in front of a checksum. */
const STRIDES = [188, 192, 204] as const;
/** Packets that must stand behind one another where the first one does not begin the file. */
const MIN_PACKETS = 5;
/** Bytes at the beginning in which packets are looked for. */
export const TRANSPORT_PROBE_BYTES: number = (MIN_PACKETS + 1) * Math.max(...STRIDES);
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

/**
 * How what begins with these bytes is laid out, `undefined` where it is no MPEG-TS. It may begin
 * within a packet.
 */
export function transportLayout(bytes: Uint8Array): TransportLayout | undefined {
  return findLayout(bytes, ({ start }, { packets, isAtEnd }) => {
    // At a usual place there are only few packets in a short file.
    const isUsual = start === 0 || start === 4;
    return packets === MIN_PACKETS || (isUsual && (packets > 1 || (packets === 1 && isAtEnd)));
  });
}

/** Whether these bytes may turn out to be MPEG-TS with others behind them. */
export function mayHavePackets(bytes: Uint8Array): boolean {
  return findLayout(bytes, (_, { packets, isAtEnd }) => packets > 1 && isAtEnd) !== undefined;
}

/** Packets behind one another, and whether the bytes end with them. */
interface Run {
  readonly packets: number;
  readonly isAtEnd: boolean;
}

function findLayout(
  bytes: Uint8Array,
  isOne: (layout: TransportLayout, run: Run) => boolean,
): TransportLayout | undefined {
  for (let start = 0; start < Math.max(...STRIDES); start++) {
    if (bytes[start] !== SYNC) continue;
    const stride = STRIDES.find((stride) =>
      isOne({ start, stride }, runOf(bytes, { start, stride }))
    );
    if (stride !== undefined) return { start, stride };
  }
  return undefined;
}

function runOf(bytes: Uint8Array, { start, stride }: TransportLayout): Run {
  let packets = 0;
  let at = start;
  while (packets < MIN_PACKETS && bytes[at] === SYNC && start + PACKET_BYTES <= bytes.length) {
    packets++;
    at += stride;
  }
  return { packets, isAtEnd: at >= bytes.length };
}

/** A part of what a stream of a program carries. */
export interface StreamPart {
  readonly pid: number;
  /** Bytes of the stream behind those of the part before. */
  readonly data: Uint8Array;
  /** The times that stand in front of them, where a PES packet begins. */
  readonly times: PesTimes | undefined;
  /** Bytes of that PES packet behind its header; `undefined` where it does not say, 2.4.3.7. */
  readonly saidBytes: number | undefined;
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

/** What a packet would be the next part of. */
export type NextPart = Pick<StreamPart, "pid" | "data" | "times" | "saidBytes">;

/** What of a stream was left out. */
export interface TransportFault {
  /** Offset at which that was seen. */
  readonly at: number;
  /** What is wrong, as a clause. */
  readonly why: string;
  readonly expected: string;
  readonly found: string;
}

const STRAY = { expected: "a packet of MPEG-TS", found: "other bytes" };

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
  #fault: TransportFault | undefined;
  #isInSync = true;
  #isEnded = false;
  #isIdle = false;
  #programPid: number | undefined;
  #streams: readonly ProgramStream[] = [];
  #isScrambled = false;
  readonly #counters = new Map<number, number>();
  /** The last packets of streams of the program. */
  readonly #lastPackets = new Map<number, Uint8Array>();
  readonly #sections = new Map<number, Uint8Array>();
  readonly #isSure: (part: NextPart) => boolean;

  /** A packet with a part that `isSure` need not be followed by another to be believed. */
  constructor({ start, stride }: TransportLayout, isSure: (part: NextPart) => boolean) {
    this.#isSure = isSure;
    this.#offset = start;
    this.#stride = stride;
    // What stands in front of every packet of M2TS belongs to the first one, too.
    if (start === 0 || (start === 4 && stride === 192)) return;
    this.#leaveOut({ ...STRAY, at: 0, why: "there is no MPEG-TS packet at byte 0" });
  }

  /** Runs of bytes passed over, and packets that were missing in a stream. */
  get damaged(): number {
    return this.#damaged;
  }

  /** What was wrong the last time. */
  get fault(): TransportFault | undefined {
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
    const missing = Math.max(0, this.#at - this.#bytes.length);
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    this.#bytes = bytes;
    this.#offset += this.#at - missing;
    this.#at = missing;
    this.#isIdle = false;
  }

  /** Nothing has come for a while: the last packet is taken for whole. */
  idle(): void {
    this.#isIdle = true;
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
        if (this.#isEnded && this.#at < bytes.length) this.#leaveOutRest();
        return undefined;
      }
      if (bytes[this.#at] !== SYNC) {
        this.#lose();
        continue;
      }
      const next = this.#at + this.#stride;
      const packet = bytes.subarray(this.#at, this.#at + PACKET_BYTES);
      if (this.#isSurelyWhole(packet)) {
        this.#at = next;
        return packet;
      }
      if (next >= bytes.length && !this.#isEnded && !this.#isIdle) return undefined;
      // A packet that is cut off has the next ones within it.
      if (next < bytes.length && bytes[next] !== SYNC) {
        const inner = this.#syncBetween(this.#at + 1, this.#at + PACKET_BYTES);
        if (inner === "more") return undefined;
        if (inner !== undefined) {
          const at = this.#offset + this.#at;
          const why = `the packet at byte ${at} is cut off`;
          this.#leaveOut({ ...STRAY, at, why, found: "one that is cut off" });
          this.#at = inner;
          continue;
        }
      }
      const start = Math.max(at, this.#at);
      // Between this packet and the next there may be bytes that have not come yet.
      this.#at = this.#isEnded ? Math.min(next, bytes.length) : next;
      return bytes.subarray(start, start + PACKET_BYTES);
    }
  }

  #isSurelyWhole(packet: Uint8Array): boolean {
    // What ends a PES packet is stuffed, 2.4.3.5; where it fits by chance it waits for the next.
    if ((packet[3]! & 0x20) === 0) return false;
    const { isBroken, isScrambled, isStart, pid, payload } = partsOf(packet);
    if (isBroken || isScrambled || payload === undefined) return false;
    return this.#isSure({ pid, ...pesOf(payload, isStart) });
  }

  #lose(): void {
    this.#isInSync = false;
    const at = this.#offset + this.#at;
    this.#leaveOut({ ...STRAY, at, why: `there is no MPEG-TS packet at byte ${at}` });
  }

  /** Passes over a packet of which the file has only the beginning. */
  #leaveOutRest(): void {
    if (this.#bytes[this.#at] === SYNC) {
      const why = "the file was cut off before its end";
      const at = this.#offset + this.#bytes.length;
      this.#leaveOut({ ...STRAY, at, why, found: "the end of the input" });
    }
    this.#at = this.#bytes.length;
  }

  #leaveOut(fault: TransportFault): void {
    this.#damaged++;
    this.#fault = fault;
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
    const { isBroken, isScrambled, isStart, pid, hasAdaptation, payload } = partsOf(packet);
    if (isBroken || payload === undefined) return undefined;
    const counter = packet[3]! & 0x0f;
    const isStream = this.#streams.some((stream) => stream.pid === pid);
    const isDiscontinuity = hasAdaptation && packet[4]! > 0 && (packet[5]! & 0x80) !== 0;
    const last = this.#counters.get(pid);
    this.#counters.set(pid, counter);
    const isAfterLoss = last !== undefined && !isDiscontinuity && counter !== ((last + 1) & 0x0f);
    if (pid === PROGRAM_TABLE_PID || pid === this.#programPid) {
      this.#readSection(pid, payload, isStart);
      return undefined;
    }
    if (!isStream) return undefined;
    // A packet may come twice, 2.4.3.3; another may have the same number where streams are joined.
    const isRepeated = last === counter && isSame(packet, this.#lastPackets.get(pid));
    this.#lastPackets.set(pid, packet);
    if (isRepeated) return undefined;
    if (isScrambled) {
      this.#isScrambled = true;
      return undefined;
    }
    const part = pesOf(payload, isStart);
    // Files that were joined begin to count anew, with a frame; one that lacks its middle does not.
    if (isAfterLoss && part.times === undefined) {
      const expected = "the packet behind the last of the stream";
      const why = `packets are missing before byte ${at}`;
      this.#leaveOut({ at, why, expected, found: "a later one" });
    }
    return { pid, ...part, at };
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

/** The header of a packet, and what it carries: 2.4.3.2. */
function partsOf(packet: Uint8Array) {
  const hasAdaptation = (packet[3]! & 0x20) !== 0;
  const hasPayload = (packet[3]! & 0x10) !== 0;
  const payloadAt = hasAdaptation ? 5 + packet[4]! : 4;
  return {
    isBroken: (packet[1]! & 0x80) !== 0,
    isStart: (packet[1]! & 0x40) !== 0,
    isScrambled: (packet[3]! & 0xc0) !== 0,
    pid: (packet[1]! & 0x1f) * 256 + packet[2]!,
    hasAdaptation,
    payload: hasPayload && payloadAt <= PACKET_BYTES ? packet.subarray(payloadAt) : undefined,
  };
}

/** What of a PES packet a packet carries, 2.4.3.6. */
function pesOf(payload: Uint8Array, isStart: boolean): Omit<NextPart, "pid"> {
  const header = isStart ? readPesHeader(payload) : undefined;
  if (header === undefined) return { data: payload, times: undefined, saidBytes: undefined };
  const data = payload.subarray(header.headerBytes);
  return { data, times: header, saidBytes: header.saidBytes };
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}

/** The header of a PES packet, 2.4.3.6; `undefined` where it is none. */
function readPesHeader(
  payload: Uint8Array,
): (PesTimes & Pick<StreamPart, "saidBytes"> & { readonly headerBytes: number }) | undefined {
  const isPes = payload.length >= 9 && payload[0] === 0 && payload[1] === 0 && payload[2] === 1;
  if (!isPes) return undefined;
  const flags = payload[7]!;
  const pts = (flags & 0x80) !== 0 ? readTime(payload, 9) : undefined;
  const dts = (flags & 0x40) !== 0 ? readTime(payload, 14) : pts;
  const length = payload[4]! * 256 + payload[5]!;
  // It counts from behind itself: flags, and the length of the rest of the header.
  const saidBytes = length === 0 ? undefined : length - 3 - payload[8]!;
  return { pts, dts, saidBytes, headerBytes: Math.min(payload.length, 9 + payload[8]!) };
}

/** A time of 33 bits between marker bits. */
function readTime(bytes: Uint8Array, at: number): number | undefined {
  if (at + 5 > bytes.length) return undefined;
  const high = (bytes[at]! >> 1) & 7;
  const middle = (bytes[at + 1]! << 7) | (bytes[at + 2]! >> 1);
  const low = (bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1);
  return high * 2 ** 30 + middle * 2 ** 15 + low;
}

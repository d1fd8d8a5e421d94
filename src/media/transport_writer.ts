/**
 * MPEG-TS that is read while it is written: ITU-T H.222.0 (08/2018, ISO/IEC 13818-1), of which clauses
 * are named.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { nalUnits } from "../split/nal.ts";
import type { DecodeTimes } from "./decode_times.ts";
import { uint16, uint32, uint8 } from "./layout.ts";
import type { LiveFrame, LiveWriter } from "./live_writer.ts";
import { NAL_SYNTAX, type NalFormat } from "./nal_samples.ts";

/** Formats that such a file can hold here. */
export const TRANSPORT_FORMATS: readonly NalFormat[] = ["h264", "hevc"];

/** Bytes of a packet and of its header, 2.4.3.2. */
const PACKET_BYTES = 188;
const HEADER_BYTES = 4;
const PAYLOAD_BYTES = PACKET_BYTES - HEADER_BYTES;
const PROGRAM_TABLE_PID = 0;
const MAP_PID = 0x1000;
const VIDEO_PID = 0x100;
/** Of packets that carry nothing, 2.4.3.3. */
const NULL_PID = 0x1fff;
/** stream_type, Table 2-34. */
const STREAM_TYPE: Readonly<Record<NalFormat, number>> = { h264: 0x1b, hevc: 0x24 };
/** Access unit delimiters, which must begin each access unit (2.14.1, 2.17.1): any kind of picture. */
const DELIMITER: Readonly<Record<NalFormat, readonly number[]>> = {
  h264: [0, 0, 0, 1, 0x09, 0xf0],
  hevc: [0, 0, 0, 1, 0x46, 0x01, 0x50],
};
/** Bytes of an adaptation field with nothing but the clock: length, flags, PCR, 2.4.3.4. */
const CLOCK_FIELD_BYTES = 8;
/**
 * How far the clock is behind the time at which a frame is decoded, in microseconds: so long a receiver
 * has it before.
 */
const DECODER_DELAY_US = 100_000;
/** PCR and PTS are counted in 33 bits of 90 kHz, 2.4.3.5 and 2.4.3.7. */
const CLOCK_RANGE = 2 ** 33;
/** Largest PES_packet_length, 2.4.3.7; a longer packet of video has none. */
const MAX_PES_LENGTH = 65_535;

/** Makes packets of each frame as it comes, with the tables in front of each key frame. */
export class TransportWriter implements LiveWriter {
  readonly #format: NalFormat;
  readonly #times: DecodeTimes;
  /** Numbers of the next packets, by PID: continuity_counter, 2.4.3.3. */
  readonly #counters = new Map<number, number>();

  constructor(format: NalFormat, times: DecodeTimes) {
    this.#format = format;
    this.#times = times;
  }

  write({ data, kind, timeUs }: LiveFrame): Uint8Array[] {
    const decodeUs = this.#times.next(timeUs);
    const shownUs = Math.max(timeUs + this.#times.delayUs, decodeUs);
    const tables = kind === "key" ? this.#tables() : [];
    const pes = [
      pesHeader(this.#bytesOf(data), shownUs + DECODER_DELAY_US, decodeUs + DECODER_DELAY_US),
      ...this.#hasDelimiter(data) ? [] : [Uint8Array.from(DELIMITER[this.#format])],
      data,
    ];
    return [...tables, this.#packets(concat(pes), { isKey: kind === "key", clockUs: decodeUs })];
  }

  /** The tables, and a null packet. */
  idle(): Uint8Array[] {
    const nothing = new Uint8Array(PACKET_BYTES).fill(0xff);
    // Its counter may have any value.
    nothing.set(uint8(0x47, NULL_PID >> 8, NULL_PID, 0x10));
    return [...this.#tables(), nothing];
  }

  #hasDelimiter(data: Uint8Array): boolean {
    const [first] = nalUnits(data.subarray(0, 16));
    const { typeOf, accessUnitDelimiter } = NAL_SYNTAX[this.#format];
    return first !== undefined && typeOf(data[first.start]!) === accessUnitDelimiter;
  }

  #bytesOf(data: Uint8Array): number {
    return data.length + (this.#hasDelimiter(data) ? 0 : DELIMITER[this.#format].length);
  }

  /** Which streams there are: PAT, 2.4.4.3, and PMT, 2.4.4.8. */
  #tables(): Uint8Array[] {
    const streams = concat([
      uint16(0xe000 | VIDEO_PID), // PCR_PID
      uint16(0xf000), // program_info_length
      uint8(STREAM_TYPE[this.#format]),
      uint16(0xe000 | VIDEO_PID),
      uint16(0xf000), // ES_info_length
    ]);
    const programs = concat([uint16(1), uint16(0xe000 | MAP_PID)]);
    return [
      this.#tablePacket(PROGRAM_TABLE_PID, section(0x00, programs)),
      this.#tablePacket(MAP_PID, section(0x02, streams)),
    ];
  }

  #tablePacket(pid: number, table: Uint8Array): Uint8Array {
    const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
    packet.set(this.#header(pid, { isStart: true, hasField: false }));
    packet[HEADER_BYTES] = 0; // pointer_field
    packet.set(table, HEADER_BYTES + 1);
    return packet;
  }

  /** The packets of one PES packet. */
  #packets(
    pes: Uint8Array,
    { isKey, clockUs }: { readonly isKey: boolean; readonly clockUs: number },
  ): Uint8Array {
    const first = PAYLOAD_BYTES - CLOCK_FIELD_BYTES;
    const count = 1 + Math.ceil(Math.max(0, pes.length - first) / PAYLOAD_BYTES);
    const packets = new Uint8Array(count * PACKET_BYTES);
    let at = 0;
    for (let index = 0; index < count; index++) {
      const isStart = index === 0;
      const least = isStart ? CLOCK_FIELD_BYTES : 0;
      const size = Math.min(PAYLOAD_BYTES - least, pes.length - at);
      // What the payload leaves free is filled in the adaptation field.
      const fieldBytes = PAYLOAD_BYTES - size;
      const packet = packets.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES);
      packet.set(this.#header(VIDEO_PID, { isStart, hasField: fieldBytes > 0 }));
      if (fieldBytes > 0) {
        const field = packet.subarray(HEADER_BYTES, HEADER_BYTES + fieldBytes).fill(0xff);
        field[0] = fieldBytes - 1;
        // random_access_indicator and PCR_flag
        if (fieldBytes > 1) field[1] = isStart ? (isKey ? 0x40 : 0) | 0x10 : 0;
        if (isStart) field.set(clock(clockUs), 2);
      }
      packet.set(pes.subarray(at, at + size), HEADER_BYTES + fieldBytes);
      at += size;
    }
    return packets;
  }

  #header(
    pid: number,
    { isStart, hasField }: { readonly isStart: boolean; readonly hasField: boolean },
  ): Uint8Array {
    const counter = this.#counters.get(pid) ?? 0;
    this.#counters.set(pid, (counter + 1) & 0xf);
    return uint8(0x47, (isStart ? 0x40 : 0) | (pid >> 8), pid, (hasField ? 0x30 : 0x10) | counter);
  }
}

/** A section of a table of number 1, from table_id to CRC_32. */
function section(id: number, content: Uint8Array): Uint8Array {
  const bytes = concat([
    uint8(id),
    uint16(0xb000 | (5 + content.length + 4)), // section_length
    uint16(1), // transport_stream_id or program_number
    uint8(0xc1, 0, 0), // version 0, current; section 0 of 0
    content,
  ]);
  return concat([bytes, uint32(crc32(bytes))]);
}

/** The CRC of annex A: 0x04c11db7, most significant bit first, from all ones, not inverted. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return crc;
}

/** What stands in front of an access unit of so many bytes: 2.4.3.6. */
function pesHeader(bytes: number, shownUs: number, decodeUs: number): Uint8Array {
  const [shown, decoded] = [ticks(shownUs), ticks(decodeUs)];
  const times = shown === decoded
    ? timestamp(2, shown)
    : concat([timestamp(3, shown), timestamp(1, decoded)]);
  const length = 3 + times.length + bytes;
  return concat([
    uint8(0, 0, 1, 0xe0),
    uint16(length > MAX_PES_LENGTH ? 0 : length),
    // data_alignment_indicator; PTS_DTS_flags
    uint8(0x84, shown === decoded ? 0x80 : 0xc0, times.length),
    times,
  ]);
}

/** Microseconds in units of 90 kHz, as far as 33 bits hold them. */
function ticks(us: number): number {
  return Math.round(us * 9 / 100) % CLOCK_RANGE;
}

/** A time of 33 bits behind four bits that say which: 2.4.3.6. */
function timestamp(prefix: number, value: number): Uint8Array {
  const high = Math.floor(value / 2 ** 30);
  const middle = Math.floor(value / 2 ** 15) & 0x7fff;
  return concat([
    uint8((prefix << 4) | (high << 1) | 1),
    uint16((middle << 1) | 1),
    uint16(((value & 0x7fff) << 1) | 1),
  ]);
}

/** program_clock_reference: 33 bits of 90 kHz, six reserved ones, nine bits of 27 MHz: 2.4.3.4. */
function clock(us: number): Uint8Array {
  const base = ticks(us);
  const low = base % 2;
  return concat([uint32(Math.floor(base / 2)), uint8((low << 7) | 0x7e, 0)]);
}

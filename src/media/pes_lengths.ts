/**
 * Which PES packets of a video end with the bytes that they say: ITU-T H.222.0, of which clauses are named.
 *
 * @module
 */
import { findStartCode, START_CODE_BYTES } from "../split/nal.ts";
import { NAL_SYNTAX, type NalFormat } from "./nal_samples.ts";

/** PES packets in a row that must have kept to what they said. */
const KEPT_PACKETS = 3;
/** Bytes in which a start code and the header of a NAL unit stand. */
const PROBED_BYTES = 16;

/**
 * Learns whether each PES packet of a video says how many bytes it has (PES_packet_length, 2.4.3.7) and
 * begins an access unit. Where some have, one is known to be whole at its last byte. Where one has gone
 * on beyond its length, or has gone on with an access unit of the one before, none is believed any more.
 */
export class PesLengths {
  readonly #format: NalFormat;
  /** What the packet said, and what has come of it; `undefined` where it said nothing. */
  #said: number | undefined;
  #had = 0;
  #kept = 0;
  #isBroken = false;

  constructor(format: NalFormat) {
    this.#format = format;
  }

  /** Whether a packet would be whole with these bytes, which `said` begins where that is given. */
  wouldEnd(bytes: number, start?: PesStart): boolean {
    if (this.#isBroken) return false;
    if (start === undefined) {
      return this.#kept >= KEPT_PACKETS && this.#had + bytes === this.#said;
    }
    const kept = this.#hasKept ? this.#kept + 1 : 0;
    return kept >= KEPT_PACKETS && bytes === start.said && this.#isOpened(start.data);
  }

  /** Takes note of a packet that begins. */
  begin({ said, data }: PesStart): void {
    this.#kept = this.#hasKept ? this.#kept + 1 : 0;
    if (!this.#isOpened(data)) this.#isBroken = true;
    this.#said = said;
    this.#had = 0;
  }

  /** Takes note of bytes of it; true where it is whole, and nothing but the next can follow. */
  add(data: Uint8Array): boolean {
    const isWhole = !this.#isBroken && this.#kept >= KEPT_PACKETS &&
      this.#had + data.length === this.#said;
    this.#had += data.length;
    if (this.#said !== undefined && this.#had > this.#said) this.#isBroken = true;
    // Zeros at its end may belong to the start code of the next.
    return isWhole && data.at(-1) !== 0;
  }

  get #hasKept(): boolean {
    return this.#said !== undefined && this.#had === this.#said;
  }

  /** Whether these bytes begin with an access unit delimiter, as 2.14.1 and 2.17.1 demand. */
  #isOpened(data: Uint8Array): boolean {
    const { typeOf, accessUnitDelimiter } = NAL_SYNTAX[this.#format];
    const code = findStartCode(data.subarray(0, PROBED_BYTES), 0);
    const header = code < 0 ? undefined : data[code + START_CODE_BYTES];
    // zero_byte may stand in front of it.
    return code <= 1 && header !== undefined && typeOf(header) === accessUnitDelimiter;
  }
}

/** The beginning of a PES packet. */
export interface PesStart {
  /** Bytes of it behind its header; `undefined` where its length is unbounded. */
  readonly said: number | undefined;
  /** Those behind its header that stand in its first packet. */
  readonly data: Uint8Array;
}

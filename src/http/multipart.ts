/**
 * Motion JPEG over HTTP: pictures of which each replaces the one before it
 * (`multipart/x-mixed-replace`).
 *
 * @module
 */
import { BytePattern } from "../bytes/search.ts";

/**
 * - `counted`: a part says its length and time, as programs want it
 * - `early`: a part's head follows right behind the picture before it, when nothing is known of the
 *   next one. Browsers look for boundaries and show a picture when the next part's head is there:
 *   with a part's length in its head they would always show the last picture but one.
 */
export type PartForm = "counted" | "early";

/** Bytes of chance in each half of a boundary. */
const BOUNDARY_BYTES = 16;

const encoder = new TextEncoder();

/**
 * What stands between the parts of one answer. Whoever knows it could publish a picture that holds parts
 * of its own, as a page that then runs as one of the relay's: so no two answers have the same, and
 * pictures that hold the half that all of them share are not sent.
 */
export class Boundary {
  readonly #text: string;
  readonly #early: Uint8Array<ArrayBuffer>;
  readonly #counted: Uint8Array<ArrayBuffer>;

  /** A boundary of the answers that share `common`. */
  constructor(common: string) {
    this.#text = common + chance();
    this.#early = encoder.encode(`\r\n--${this.#text}\r\nContent-Type: image/jpeg\r\n\r\n`);
    this.#counted = encoder.encode(`\r\n--${this.#text}\r\n`);
  }

  /** The media type of the whole. */
  get type(): string {
    return `multipart/x-mixed-replace; boundary=${this.#text}`;
  }

  /** What comes before the first part. */
  start(form: PartForm): Uint8Array<ArrayBuffer> {
    return this.end(form).subarray(2);
  }

  /** What comes behind the picture of a part, and begins the next one. */
  end(form: PartForm): Uint8Array<ArrayBuffer> {
    return form === "early" ? this.#early : this.#counted;
  }
}

/** The half that all boundaries of a relay share, which nobody can guess. */
export class CommonBoundary {
  readonly text: string = chance();
  readonly #pattern = new BytePattern(encoder.encode(this.text));

  /** Whether a picture could end a part. */
  isIn(picture: Uint8Array): boolean {
    return this.#pattern.find(picture) >= 0;
  }
}

/** What comes before the picture of a part: its length in bytes and when it was captured, if anything. */
export function partHead(
  length: number,
  captureUs: number,
  form: PartForm,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(
    form === "early" ? "" : [
      "Content-Type: image/jpeg",
      `Content-Length: ${length}`,
      `X-Timestamp: ${timestamp(captureUs)}`,
      "\r\n",
    ].join("\r\n"),
  );
}

function chance(): string {
  return crypto.getRandomValues(new Uint8Array(BOUNDARY_BYTES)).toHex();
}

/** Seconds since the Unix epoch with six decimals, as mjpg-streamer writes them. */
export function timestamp(us: number): string {
  const whole = Math.round(us);
  return `${Math.floor(whole / 1e6)}.${String(whole % 1e6).padStart(6, "0")}`;
}

/**
 * What the first bytes of an input say of it, MPEG-TS among the rest.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { type TransportLayout, transportLayout } from "./transport_stream.ts";
import { detectFormat, isMediaFile } from "../split/detect.ts";

const SYNC = 0x47;
/** Where M2TS has the beginnings of its first two packets, behind their time codes. */
const TIMED = [4, 196] as const;

/** Whether an input that begins with these bytes is a file whose video is read at any place. */
export function isMedia(first: Uint8Array): boolean {
  return isMediaFile(first) || layoutOf(first) !== undefined;
}

/** How the packets of MPEG-TS lie in an input that begins with these bytes, if it is that. */
export function layoutOf(first: Uint8Array): TransportLayout | undefined {
  return mayBeTransport(first) ? transportLayout(first) : undefined;
}

/** Whether these bytes, or these with others behind them, may be MPEG-TS. */
export function mayBeTransport(first: Uint8Array): boolean {
  if (isMediaFile(first)) return true;
  try {
    return detectFormat(first, false) === undefined;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // A time code may look like a length.
    return error.fault.isUnknown === true || TIMED.every((at) => (first[at] ?? SYNC) === SYNC);
  }
}

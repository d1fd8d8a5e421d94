/**
 * The splitter for any input that comes byte by byte: a pipe, or the body of a request.
 *
 * @module
 */
import { hasBytesAt, hex } from "../bytes/text.ts";
import { InputError } from "../errors.ts";
import { createSplitter, type SelfDelimitingFormat } from "../split/create.ts";
import { isMediaFile } from "../split/detect.ts";
import { type Detected, DetectingSplitter, type InputState } from "../split/detecting_splitter.ts";
import { FormatSearch } from "../split/format_search.ts";
import type { RawSplitterOptions } from "../split/raw.ts";
import { type FrameFinder, ResyncSplitter } from "../split/resync.ts";
import type { Splitter } from "../split/splitter.ts";
import type { Container } from "./containers.ts";
import { layoutOf, mayBeTransport } from "./first_bytes.ts";
import type { ContainerOptions } from "./live_track.ts";
import { MatroskaFinder } from "./matroska_splitter.ts";
import { MovieFinder } from "./movie_splitter.ts";
import { TransportSplitter } from "./transport_splitter.ts";
import {
  mayHavePackets,
  TRANSPORT_PROBE_BYTES,
  type TransportLayout,
  transportLayout,
} from "./transport_stream.ts";

/** Options of {@linkcode createInputSplitter}; `format` says which. */
export type InputSplitterOptions =
  | (ContainerOptions & { readonly format: Container | "auto" })
  | (ContainerOptions & { readonly format: SelfDelimitingFormat })
  | (RawSplitterOptions & { readonly format: "raw" });

/** What a Matroska begins with, and each of its clusters. */
const MATROSKA_STARTS = [
  Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3),
  Uint8Array.of(0x1f, 0x43, 0xb6, 0x75),
];
/** What a packet of MPEG-TS begins with, at the start or behind a time code. */
const SYNC = 0x47;
const SYNC_AT = [0, 4];

/** A splitter of the format that the options name, or that the first bytes show. */
export function createInputSplitter(options: InputSplitterOptions): Splitter {
  switch (options.format) {
    case "auto":
      return new DetectingSplitter((bytes, state) => detect(bytes, state, options));
    case "mpegts":
      return new DetectingSplitter((bytes, state) => openTransport(bytes, state, options));
    case "matroska":
      return resyncing(new MatroskaFinder(options));
    case "mp4":
      return resyncing(new MovieFinder(options));
    default:
      return createSplitter(options);
  }
}

function detect(
  bytes: Uint8Array,
  { isEnded, isIdle }: InputState,
  options: ContainerOptions,
): Detected | undefined {
  if (MATROSKA_STARTS.some((start) => hasBytesAt(bytes, 0, start))) {
    return { splitter: createInputSplitter({ ...options, format: "matroska" }) };
  }
  if (isMediaFile(bytes) && SYNC_AT.every((at) => bytes[at] !== SYNC)) {
    return { splitter: createInputSplitter({ ...options, format: "mp4" }) };
  }
  if (!isEnded && isUndecided(bytes, isIdle)) return undefined;
  const layout = layoutOf(bytes);
  if (layout !== undefined) return behind(layout, options);
  return { splitter: createSplitter({ ...options, format: "auto" }) };
}

/**
 * Whether more bytes may show that an input that begins with these is MPEG-TS. So many are waited for,
 * whatever else it may be by then, since else it would depend on how they come; but where it has fallen
 * idle, a frame of something else is not held back.
 */
function isUndecided(bytes: Uint8Array, isIdle: boolean): boolean {
  if (bytes.length >= TRANSPORT_PROBE_BYTES || !mayBeTransport(bytes)) return false;
  return !isIdle || mayHavePackets(bytes) || new FormatSearch().next(bytes) === undefined;
}

function openTransport(
  bytes: Uint8Array,
  { isEnded }: InputState,
  options: ContainerOptions,
): Detected | undefined {
  if (!isEnded && bytes.length < TRANSPORT_PROBE_BYTES) return undefined;
  const layout = transportLayout(bytes);
  if (layout !== undefined) return behind(layout, options);
  throw new InputError({
    frame: 1,
    offset: 0,
    expected: "packets of MPEG-TS",
    found: bytes.length === 0 ? "an empty input" : `the bytes ${hex(bytes)}`,
    advice: "check the program that writes the input, or leave out --format",
    isFinal: true,
  });
}

function behind(layout: TransportLayout, options: ContainerOptions): Detected {
  return { splitter: new TransportSplitter(layout, options), skip: layout.start };
}

function resyncing(finder: FrameFinder): Splitter {
  return finder.input.resyncs ? new ResyncSplitter(finder) : finder;
}

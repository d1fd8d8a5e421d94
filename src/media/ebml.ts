/**
 * Elements of EBML, RFC 8794.
 *
 * @module
 */
import type { ByteSource } from "./random_access_file.ts";

/** Where an element lies. */
export interface Element {
  readonly id: number;
  /** Offset of its data. */
  readonly start: number;
  /** Offset behind it, `undefined` where its size is unknown. */
  readonly end: number | undefined;
}

const MAX_HEADER_BYTES = 12;

/** A variable-size integer, clause 4; no value stands for an unknown size. */
export function readVint(
  view: DataView,
  at: number,
): { readonly value: number | undefined; readonly end: number } | undefined {
  if (at >= view.byteLength) return undefined;
  const length = Math.clz32(view.getUint8(at)) - 23;
  if (length > 8 || at + length > view.byteLength) return undefined;
  let value = view.getUint8(at) & (0xff >> length);
  let isUnknown = value === 0xff >> length;
  for (let index = 1; index < length; index++) {
    const byte = view.getUint8(at + index);
    isUnknown &&= byte === 0xff;
    value = value * 256 + byte;
  }
  return { value: isUnknown ? undefined : value, end: at + length };
}

/** The element whose header is at `at`; `undefined` where none can be read. */
export function readElement(view: DataView, at: number): Element | undefined {
  if (at >= view.byteLength) return undefined;
  const idBytes = Math.clz32(view.getUint8(at)) - 23;
  if (idBytes > 4 || at + idBytes > view.byteLength) return undefined;
  let id = 0;
  for (let index = 0; index < idBytes; index++) id = id * 256 + view.getUint8(at + index);
  const size = readVint(view, at + idBytes);
  if (size === undefined) return undefined;
  const end = size.value === undefined ? undefined : size.end + size.value;
  return { id, start: size.end, end };
}

/** The element at an offset of a file. */
export async function elementAt(file: ByteSource, at: number): Promise<Element | undefined> {
  const header = await file.read(at, at + MAX_HEADER_BYTES);
  const element = readElement(new DataView(header.buffer, header.byteOffset, header.length), 0);
  return element &&
    { ...element, start: at + element.start, end: element.end && at + element.end };
}

/** The elements of which `bytes` are made, up to what is none. */
export function* elementsOf(
  bytes: Uint8Array,
): Generator<{ readonly id: number; readonly data: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const element = readElement(view, at);
    if (element === undefined) return;
    at = element.end ?? bytes.length;
    yield { id: element.id, data: bytes.subarray(element.start, at) };
  }
}

/** An unsigned integer, clause 7.2. */
export function unsignedOf(data: Uint8Array): number {
  return data.reduce((value, byte) => value * 256 + byte, 0);
}

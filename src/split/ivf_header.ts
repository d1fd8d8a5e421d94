/**
 * The header of an IVF file, as libvpx and ffmpeg write it.
 *
 * No standard describes the format; its fields are all little endian.
 *
 * @module
 */
import { bytesOf } from "../bytes/text.ts";

/** What every IVF file begins with. */
export const IVF_SIGNATURE: Uint8Array<ArrayBuffer> = bytesOf("DKIF");

/** Bytes of the header before the first frame; it tells its own length, which is never less. */
export const IVF_HEADER_BYTES = 32;

/** Bytes of the header before every frame: its size, 32 bits, and its time, 64 bits. */
export const IVF_FRAME_HEADER_BYTES = 12;

/** Formats of a stream that an IVF file can hold. */
export type IvfFormat = "vp8" | "vp9" | "av1";

/** The four characters at offset 8 that name the format of the frames. */
export const IVF_FOURCC: Readonly<Record<IvfFormat, string>> = {
  vp8: "VP80",
  vp9: "VP90",
  av1: "AV01",
};

/**
 * Inputs of every format that tells where its frames begin, in pieces that a fault can come between.
 *
 * @module
 */
import { bytesOf } from "../../src/bytes/text.ts";
import type { SelfDelimitingFormat } from "../../src/split/create.ts";
import { ivfFrameStart, ivfStart, KEY_FRAME_OBU, sequenceObu } from "./ivf_samples.ts";
import { TEMPORAL_DELIMITER, vp8KeyFrame, vp9Frame } from "./ivf_samples.ts";
import { h264Pps, h264Slice, h264Sps, hevcPps, hevcSlice, hevcSps } from "./nal_samples.ts";
import { hevcVps, idr } from "./nal_samples.ts";
import { concat, jpeg, jpegSegment, png, pngChunk, ramp } from "./samples.ts";

/** A frame as it stands in an input, and as it comes out of it. */
export interface Item {
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
}

/** How an input of one format is made. */
export interface StreamKind {
  readonly name: string;
  readonly format: SelfDelimitingFormat;
  /** What stands in front of the first frame. */
  readonly start: Uint8Array;
  /** What stands there for frames of another size. */
  readonly otherStart: Uint8Array;
  /** The frame with this index; `isOther` where it has the other size. */
  item(index: number, isOther?: boolean): Item;
  /** Whether the frames are the bytes between two start codes, of which all are believed. */
  readonly isByteStream?: boolean;
  /** Bytes that a frame may lack at its end unseen. */
  readonly unseenBytes?: number;
}

function whole(bytes: Uint8Array): Item {
  return { bytes, data: bytes };
}

/** Bytes that begin nothing, in which no two frames are alike. */
function content(index: number, count = 40): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, at) => 0x80 | ((at * 37 + index * 11) & 0x6f));
}

function image(index: number, isOther = false): Uint8Array<ArrayBuffer> {
  const before = jpegSegment(0xe1, content(index, 100));
  const size = isOther ? { width: 32, height: 24 } : {};
  return jpeg({ ...size, before, scan: content(index) });
}

function part(index: number, isOther: boolean, headers: (bytes: number) => string): Item {
  const data = image(index, isOther);
  const head = bytesOf(`--x\r\nContent-Type: image/jpeg\r\n${headers(data.length)}\r\n`);
  return { bytes: concat(head, data, bytesOf("\r\n")), data };
}

function y4m(side: number): Uint8Array {
  return bytesOf(`YUV4MPEG2 W${side} H4 F25:1 Cmono\n`);
}

function ivf(fourcc: string, make: (index: number, isOther: boolean) => Uint8Array): StreamKind {
  return {
    name: `ivf of ${fourcc}`,
    format: "ivf",
    start: ivfStart({ fourcc }),
    otherStart: ivfStart({ fourcc, width: 32 }),
    item: (index, isOther = false) => {
      const data = make(index, isOther);
      return { bytes: concat(ivfFrameStart(data.length, index), data), data };
    },
    unseenBytes: 7,
  };
}

/** What the data of every PNG image begins with: RFC 1950 2.2. */
const ZLIB_START = Uint8Array.of(0x78, 0x9c);
const NOTHING = new Uint8Array(0);

/** All of them. */
export const STREAM_KINDS: readonly StreamKind[] = [
  {
    name: "mjpeg",
    format: "mjpeg",
    start: NOTHING,
    otherStart: NOTHING,
    item: (index, isOther) => whole(image(index, isOther)),
  },
  {
    name: "mpjpeg with lengths",
    format: "mpjpeg",
    start: NOTHING,
    otherStart: NOTHING,
    item: (index, isOther = false) => part(index, isOther, (n) => `Content-Length: ${n}\r\n`),
  },
  {
    name: "mpjpeg without lengths",
    format: "mpjpeg",
    start: NOTHING,
    otherStart: NOTHING,
    item: (index, isOther = false) => part(index, isOther, () => ""),
  },
  {
    name: "png",
    format: "png",
    start: NOTHING,
    otherStart: NOTHING,
    item: (index, isOther) =>
      whole(
        png({
          width: isOther ? 32 : 16,
          chunks: pngChunk("IDAT", concat(ZLIB_START, content(index))),
        }),
      ),
  },
  {
    name: "y4m",
    format: "y4m",
    start: y4m(9),
    otherStart: y4m(8),
    item: (index, isOther) =>
      whole(concat(bytesOf("FRAME\n"), content(index, (isOther ? 8 : 9) * 4))),
  },
  ivf(
    "VP80",
    (index, isOther) => concat(vp8KeyFrame(isOther ? { width: 32 } : {}), content(index)),
  ),
  ivf("VP90", (index) => concat(vp9Frame(), content(index))),
  ivf("AV01", (index) => {
    const unit = concat(TEMPORAL_DELIMITER, sequenceObu(), KEY_FRAME_OBU);
    return concat(unit, Uint8Array.of(0x7a, 40), content(index));
  }),
  {
    name: "h264",
    format: "h264",
    start: NOTHING,
    otherStart: NOTHING,
    item: (index, isOther) => {
      const sets = concat(h264Sps(isOther ? { crop: [0, 0, 0, 2] } : {}), h264Pps());
      return whole(
        index === 0 || isOther
          ? concat(sets, idr({ payload: content(index) }))
          : h264Slice({ frameNum: index, payload: content(index) }),
      );
    },
    isByteStream: true,
  },
  {
    name: "hevc",
    format: "hevc",
    start: NOTHING,
    otherStart: NOTHING,
    item: (index) =>
      whole(
        index === 0
          ? concat(hevcVps(), hevcSps(), hevcPps(), hevcSlice({ type: 19, payload: ramp(30, 9) }))
          : hevcSlice({ payload: content(index) }),
      ),
    isByteStream: true,
  },
];

/**
 * Text where frames are expected.
 *
 * @module
 */
import type { InputFault } from "../errors.ts";

/** Fewest bytes by which text is told from pixels. */
const MIN_TEXT_BYTES = 2;
/** Most of its bytes that are looked at. */
const MAX_TEXT_BYTES = 256;
/** Most characters that are shown. */
const MAX_SHOWN = 60;
const BYTE_ORDER_MARK = /^\uFEFF/;
const NO_TEXT = /\ufffd|(?!\t)\p{Cc}/u;

const KINDS: readonly (readonly [start: RegExp, name: string, advice: string])[] = [
  [
    /^<(?:!doctype html|html|head|body)/i,
    "a web page",
    "look at it: the server may refuse the request, or need another address (curl -f says so)",
  ],
  [/^#EXTM3U/, "an HLS playlist", "let ffmpeg read it: ffmpeg -i ADDRESS -c copy -f h264 -"],
  [/^v=0\r?\n/, "an SDP description", "let ffmpeg read it: ffmpeg -i FILE.sdp -c copy -f h264 -"],
  [/^RTSP\//, "an RTSP response", "let ffmpeg read it: ffmpeg -i rtsp://… -c copy -f h264 -"],
  [/^%PDF/, "a PDF", "give pictures or video"],
  [/^<(?:\?xml|svg|MPD)/i, "XML", "give pictures or video"],
  [/^[{[]\s*["{[\]}]/, "JSON", "look at it: the server may say what is wrong"],
];
const CHATTER = "give only frames: a program's messages belong on its standard error";

/** What `bytes` are, where an input begins with text; `undefined` where it does not. */
export function describeText(
  bytes: Uint8Array,
): Pick<InputFault, "found" | "advice"> | undefined {
  const decoded = new TextDecoder().decode(bytes.subarray(0, MAX_TEXT_BYTES), { stream: true });
  const text = decoded.replace(BYTE_ORDER_MARK, "").trimStart();
  const line = /^[^\r\n]*/.exec(text)![0];
  if (bytes.length < MIN_TEXT_BYTES || line === "" || NO_TEXT.test(line)) return undefined;
  // Pixels of one colour may be letters, too.
  if (new Set(line).size < Math.min(4, line.length)) return undefined;
  const shown = line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line.trimEnd();
  const quoted = JSON.stringify(shown);
  for (const [start, name, advice] of KINDS) {
    if (start.test(text)) return { found: `${name} (${quoted})`, advice };
  }
  return { found: `the text ${quoted}`, advice: CHATTER };
}

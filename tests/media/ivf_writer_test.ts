// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { hex } from "../../src/bytes/text.ts";
import { isIvfConfig, ivfFrameHeader, ivfHeader } from "../../src/media/ivf_writer.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { STREAM_FORMATS } from "../../src/core/stream_format.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";

const CODECS = [
  ["vp8", "libvpx"],
  ["vp9", "libvpx-vp9"],
  ["av1", "libaom-av1"],
] as const;

/** The frames of an IVF file, read with no code of the program. */
function framesOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const frames = [];
  for (let at = 32; at < file.length; at += 12 + view.getUint32(at, true)) {
    frames.push(file.subarray(at + 12, at + 12 + view.getUint32(at, true)));
  }
  return frames;
}

async function probe(args: readonly string[], file: Uint8Array): Promise<string[]> {
  const child = new Deno.Command("ffprobe", {
    args: ["-v", "error", "-of", "compact=nokey=1:print_section=0", ...args, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const [{ stdout }] = await Promise.all([
    child.output(),
    new Response(file.slice()).body!.pipeTo(child.stdin),
  ]);
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("ivfHeader writes format, size and microseconds", () => {
  const header = ivfHeader(bareConfig("av1", { width: 1920, height: 1080 }));
  assertEquals(
    hex(header, 32),
    "44 4b 49 46 00 00 20 00 41 56 30 31 80 07 38 04 " +
      "40 42 0f 00 01 00 00 00 00 00 00 00 00 00 00 00",
  );
});

Deno.test("ivfHeader writes a size that is unknown as 0, and one too large as the largest", () => {
  assertEquals(hex(ivfHeader(bareConfig("vp8")).subarray(8, 16)), "56 50 38 30 00 00 00 00");
  const large = ivfHeader(bareConfig("vp9", { width: 65_536, height: 7 }));
  assertEquals(hex(large.subarray(8, 16)), "56 50 39 30 ff ff 07 00");
});

Deno.test("ivfHeader refuses formats that IVF does not hold", () => {
  const held = STREAM_FORMATS.filter((format) => isIvfConfig(bareConfig(format)));
  assertEquals(held, ["vp8", "vp9", "av1"]);
  assertThrows(() => ivfHeader(bareConfig("h264")), TypeError, "h264");
});

Deno.test("ivfFrameHeader writes the size and the whole time", () => {
  assertEquals(hex(ivfFrameHeader(0x01020304, 0), 12), "04 03 02 01 00 00 00 00 00 00 00 00");
  const late = ivfFrameHeader(5, Number.MAX_SAFE_INTEGER);
  assertEquals(hex(late, 12), "05 00 00 00 ff ff ff ff ff ff 1f 00");
  assertEquals(hex(ivfFrameHeader(5, -3), 12), hex(ivfFrameHeader(5, 0), 12));
});

for (const [format, encoder] of CODECS) {
  Deno.test({
    ...needs(NO_FFMPEG, `ivfHeader makes files of ${format} that ffmpeg reads, times and all`),
    fn: async () => {
      const encoded = await ffmpeg([
        ...["-f", "lavfi", "-i", "testsrc=size=98x66:rate=25", "-frames:v", "5"],
        ...["-pix_fmt", "yuv420p", "-c:v", encoder, "-cpu-used", "8", "-f", "ivf", "-"],
      ]);
      const frames = framesOf(encoded);
      assert(frames.length >= 5);
      const times = frames.map((_, index) => 3_600_000_001 + index * 40_001);
      const config = bareConfig(format, { width: 98, height: 66 });
      const file = await new Blob([
        ivfHeader(config),
        ...frames.flatMap((frame, index) => [
          ivfFrameHeader(frame.length, times[index]!),
          frame.slice(),
        ]),
      ]).bytes();
      const read = await probe(["-show_entries", "packet=pts,size"], file);
      assertEquals(read, frames.map((frame, index) => `${times[index]}|${frame.length}`));
      const entries = "stream=codec_name,width,height,time_base";
      assertEquals(await probe(["-show_entries", entries], file), [`${format}|98|66|1/1000000`]);
      const decoded = await ffmpeg(["-i", "-", "-f", "rawvideo", "-"], file);
      assertEquals(decoded.length, 5 * 98 * 66 * 1.5);
    },
  });
}

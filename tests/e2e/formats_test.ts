// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { decode } from "fast-png";
import { bytesOf } from "../../src/bytes/text.ts";
import { jpegs, makeFolder } from "../cli/folder.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { startRelay } from "../program.ts";
import { concat, equal, jpegSegment, uint32 } from "../split/samples.ts";
import { relayed } from "./relayed.ts";

const TEST_SOURCE = (size: string, frames: number) => [
  ...["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30`, "-frames:v", String(frames)],
];

/**
 * The frames of ffmpeg's MJPEG, cut wherever an image ends and another begins: only an input without
 * thumbnails may be cut so, and the program has another way.
 */
function cutImages(input: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const frames = [];
  let start = 0;
  for (let end = input.indexOf(0xd9); end >= 0; end = input.indexOf(0xd9, end + 1)) {
    const isEnd = input[end - 1] === 0xff &&
      (end + 1 === input.length || (input[end + 1] === 0xff && input[end + 2] === 0xd8));
    if (!isEnd) continue;
    frames.push(input.slice(start, end + 1));
    start = end + 1;
  }
  return frames;
}

Deno.test(
  needs(NO_FFMPEG, "ffmpeg's MJPEG, 300 frames of 720p, some with a thumbnail, come as 300 files"),
  async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "100"]);
    const input = await ffmpeg([...TEST_SOURCE("1280x720", 300), "-f", "mjpeg", "-q:v", "5", "-"]);
    const thumbnail = await ffmpeg([...TEST_SOURCE("160x120", 1), "-f", "mjpeg", "-"]);
    const segment = jpegSegment(0xe1, concat(bytesOf("Exif\0\0"), thumbnail));
    const frames = cutImages(input).map((frame, index) =>
      index % 7 === 0 ? concat(frame.subarray(0, 2), segment, frame.subarray(2)) : frame
    );
    assertEquals(frames.length, 300);
    await relayed(relay, { input: concat(...frames), cwd: folder.path });
    const names = await folder.names("frames");
    assertEquals(names.length, 300);
    assertEquals([names[0], names[299]], ["000001.jpg", "000300.jpg"]);
    assert((await folder.files("frames")).every((file, index) => equal(file, frames[index]!)));
  },
);

for (
  const [what, flags, extension] of [
    ["multipart MJPEG", ["-f", "mpjpeg"], "jpg"],
    ["PNG", ["-f", "image2pipe", "-c:v", "png"], "png"],
    ["Y4M", ["-f", "yuv4mpegpipe", "-pix_fmt", "yuv420p"], "y4m"],
  ] as const
) {
  Deno.test(needs(NO_FFMPEG, `ffmpeg's ${what} comes as files that ffmpeg can read`), async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "100"]);
    const input = await ffmpeg([...TEST_SOURCE("322x242", 10), ...flags, "-"]);
    await relayed(relay, { input, cwd: folder.path });
    const names = await folder.names("frames");
    assertEquals(names.length, 10);
    for (const [index, name] of names.entries()) {
      assertEquals(name, `${String(index + 1).padStart(6, "0")}.${extension}`);
    }
    // The pictures are those of the source, one by one.
    const gray = ["-f", "rawvideo", "-pix_fmt", "gray", "-"];
    const all = await Promise.all(
      names.map((name) => ffmpeg(["-i", `${folder.path}/frames/${name}`, ...gray])),
    );
    const demuxer = what === "Y4M" ? "yuv4mpegpipe" : what === "PNG" ? "png_pipe" : "mpjpeg";
    await Deno.writeFile(`${folder.path}/input`, input);
    const wanted = await ffmpeg(["-f", demuxer, "-i", `${folder.path}/input`, ...gray]);
    assert(equal(concat(...all), wanted));
  });
}

for (
  const [what, flags] of [
    ["MJPEG", ["-f", "mjpeg"]],
    ["PNG", ["-f", "image2pipe", "-c:v", "png"]],
    ["Y4M", ["-f", "yuv4mpegpipe", "-pix_fmt", "yuv422p"]],
  ] as const
) {
  Deno.test(
    needs(NO_FFMPEG, `ffmpeg's ${what} comes out of watch -o - byte for byte`),
    async () => {
      await using relay = await startRelay(["--fps", "100"]);
      const input = await ffmpeg([...TEST_SOURCE("321x241", 10), ...flags, "-"]);
      const { stdout } = await relayed(relay, { input, watch: ["-o", "-"] });
      assert(equal(stdout, input));
    },
  );
}

Deno.test(needs(NO_FFMPEG, "ffmpeg's Y4M comes as PNG files by a pattern in .png"), async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "100"]);
  const red = ["-f", "lavfi", "-i", "color=red:size=50x30:rate=30", "-frames:v", "3"];
  const input = await ffmpeg([...red, "-f", "yuv4mpegpipe", "-pix_fmt", "yuv420p", "-"]);
  await relayed(relay, { input, watch: ["-o", "red-%02d.png"], cwd: folder.path });
  assertEquals(await folder.names(), ["red-01.png", "red-02.png", "red-03.png"]);
  for (const file of await folder.files()) {
    const { width, height, channels, data } = decode(file);
    assertEquals([width, height, channels], [50, 30, 3]);
    const [red, green, blue] = data.subarray(-3) as Uint8Array;
    assert(red! > 250 && green! < 5 && blue! < 5, `${red} ${green} ${blue}`);
  }
});

Deno.test("Raw 1080p pictures from a file come out of watch -o - byte for byte, without a tick", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "source"]);
  const frameBytes = 1920 * 1080 * 3;
  const input = new Uint8Array(20 * frameBytes);
  for (let at = 0; at < input.length; at += 4096) input.fill(at / 4096 % 251, at, at + 4096);
  await Deno.writeFile(`${folder.path}/input.rgb`, input);
  const { stdout } = await relayed(relay, {
    publish: [
      ...["--input", `${folder.path}/input.rgb`, "--size", "1920x1080", "--pixel-format", "rgb24"],
    ],
    watch: ["-o", "-"],
  });
  assert(equal(stdout, input));
});

Deno.test("Length-prefixed frames come out of watch -o - byte for byte, and as files by content", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "100"]);
  const frames = [bytesOf("one"), bytesOf("two and more"), ...jpegs(1)];
  const input = concat(...frames.flatMap((frame) => [uint32(frame.length), frame]));
  const publish = ["--format", "lp32"];
  const { stdout } = await relayed(relay, { publish, input, watch: ["-o", "-"], name: "pipe" });
  assertEquals(stdout, input);
  await relayed(relay, { publish, input, cwd: folder.path, name: "files" });
  assertEquals(await folder.names("frames"), ["000001.bin", "000002.bin", "000003.jpg"]);
  assertEquals(await folder.files("frames"), frames);
});

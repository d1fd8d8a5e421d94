/** Players that join in the middle of a GOP see what they see in the file that the stream is made of. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { publish } from "../../src/client/publish.ts";
import type { SplitFrame } from "../../src/split/splitter.ts";
import { Y4mSplitter } from "../../src/split/y4m.ts";
import { ffmpeg, has, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { readFile } from "../media/files.ts";
import { thorough } from "../thorough.ts";
import { startRelay, until } from "../server/fixture.ts";
import { eventually, soon } from "../waiting.ts";
import { encoder, type VideoFormat } from "./videos.ts";

/** Frames of a film, of which only the first is a key frame. */
const FRAMES = 40;
/** So many are there when the player comes. */
const BEFORE = 25;
const [WIDTH, HEIGHT] = [192, 108];

/** Prints what OpenCV makes of each picture. */
const OPENCV = `
import cv2, sys
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
while True:
    ok, picture = capture.read()
    if not ok: break
    sys.stdout.buffer.write(picture.tobytes())
`;

/**
 * Has VLC write what it reads, as a file that can hold it, which ffmpeg decodes. VLC refuses to be run by
 * root.
 */
const VLC = `
folder=$(mktemp -d) && chmod 777 $folder
[ "$(id -u)" = 0 ] && other="setpriv --reuid=65534 --regid=65534 --clear-groups"
out="#std{access=file,mux=$2,dst=$folder/film}"
HOME=$folder TMPDIR=$folder $other cvlc -q -I dummy --no-audio --sout "$out" "$1" vlc://quit
ffmpeg -v fatal -nostdin -i $folder/film -fps_mode passthrough -pix_fmt yuv420p -f rawvideo -
rm -r $folder
`;

/** A program that writes the pixels of what it reads to its standard output. */
interface Player {
  readonly name: string;
  /** Why it cannot be run here. */
  readonly missing: string | undefined;
  /** Bytes of a picture. */
  readonly bytes: number;
  /** How many pictures it is sure to see; VLC loses some at the end of what it writes itself. */
  readonly least?: (format: FilmFormat) => number;
  /** What it is known not to read here, as `EXTENSION of FORMAT`, and why. */
  readonly cannot?: { readonly what: RegExp; readonly why: string };
  command(address: string, format: FilmFormat): readonly string[];
}

const python = Deno.env.get("OPENCV_PYTHON") ?? "python3";
const PLAYERS: readonly Player[] = [
  {
    name: "ffmpeg",
    missing: NO_FFMPEG,
    bytes: WIDTH * HEIGHT * 1.5,
    command: (address) => [
      ...["ffmpeg", "-v", "warning", "-nostdin", "-i", address],
      ...["-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"],
    ],
  },
  {
    name: "mpv",
    missing: await has("mpv", "--version") ? undefined : "mpv is not installed",
    bytes: WIDTH * HEIGHT * 1.5,
    command: (address) => [
      ...["mpv", "--no-config", "--msg-level=all=warn", "--no-audio", "--hwdec=no"],
      ...["--untimed", "--of=rawvideo", "--ovc=rawvideo", "--vf=format=yuv420p"],
      ...["--o=/dev/stdout", address],
    ],
  },
  {
    name: "GStreamer",
    missing: await has("gst-launch-1.0", "--version") ? undefined : "GStreamer is not installed",
    bytes: WIDTH * HEIGHT * 1.5,
    command: (address) => [
      ...["gst-launch-1.0", "-q"],
      ...(address.startsWith("http")
        ? ["souphttpsrc", `location=${address}`]
        : ["filesrc", `location=${address}`]),
      // As the page says it: decodebin now and then hangs at the end of so short a multipart.
      ...(address.endsWith(".mjpeg") ? "! multipartdemux ! jpegdec" : "! decodebin").split(" "),
      ..."! videoconvert ! video/x-raw,format=I420 ! fdsink fd=1".split(" "),
    ],
  },
  {
    name: "OpenCV",
    missing: await has(python, "-c", "import cv2") ? undefined : "OpenCV is not installed",
    bytes: WIDTH * HEIGHT * 3,
    cannot: { what: /of av1/, why: "its packages cannot decode AV1" },
    command: (address) => [python, "-c", OPENCV, address],
  },
  {
    name: "VLC",
    missing: await has("sh", "-c", "command -v cvlc") ? undefined : "VLC is not installed",
    bytes: WIDTH * HEIGHT * 1.5,
    least: (format) => muxOf(format) === "avi" ? FRAMES - 5 : BEFORE,
    command: (address, format) => ["sh", "-c", VLC, "sh", address, muxOf(format)],
  },
];

/** Into what VLC writes a format: one that can hold it. */
function muxOf(format: FilmFormat): "ts" | "mkv" | "avi" {
  if (format === "h264" || format === "hevc") return "ts";
  return format === "mjpeg" || format === "y4m" ? "avi" : "mkv";
}

/** What ffprobe finds: the format, the size, how many frames, and their times. */
const FFPROBE = [
  ...["ffprobe", "-v", "warning", "-select_streams", "v", "-count_frames", "-of", "json"],
  ...["-show_entries", "stream=codec_name,width,height,nb_read_frames:frame=pts_time"],
];
/** What has no times in it. */
const IS_UNTIMED = /\.(h264|hevc|mjpeg)$/;

/** What mpv says of each file without times, in whichever version. */
const SAYS_UNTIMED = new RegExp(
  "^(No video PTS!|Ignoring further missing PTS|" +
    "\\[lavf\\] (This format is marked|FFmpeg will likely|video streams you|    --|with VALUE|" +
    "expect seeking|broken as well))",
);

/** What ffmpeg says of each JPEG, and at the end of each multipart, its own ones too. */
const SAYS_FULL_RANGE = /^\[swscaler .*deprecated pixel format used/;
const SAYS_AT_END = /Invalid data found when processing input\.?$/;

/** The pixels that a player sees. */
async function seen(
  player: Player,
  address: string,
  format: FilmFormat,
): Promise<Uint8Array> {
  const [command, ...args] = player.command(address, format);
  const child = new Deno.Command(command!, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr } = await soon(`${player.name}’s end`, child.output());
  const isUntimed = IS_UNTIMED.test(address);
  const isMultipart = address.endsWith(".mjpeg");
  const complaints = new TextDecoder().decode(stderr).split("\n").filter((line) =>
    line !== "" && !SAYS_FULL_RANGE.test(line) && !(isUntimed && SAYS_UNTIMED.test(line)) &&
    !(isMultipart && SAYS_AT_END.test(line))
  );
  assertEquals(complaints, [], player.name);
  return stdout;
}

/** Formats of films: video, or a picture each. */
type FilmFormat = VideoFormat | "mjpeg" | "y4m";

/** A film in which each picture differs: a Matroska, or YUV4MPEG2. */
async function film(format: FilmFormat): Promise<Uint8Array> {
  const pictures = ["-f", "lavfi", "-i", `testsrc2=size=${WIDTH}x${HEIGHT}:rate=30`];
  const count = ["-frames:v", String(FRAMES), "-g", String(FRAMES), "-threads", "1"];
  if (format === "y4m") {
    return await ffmpeg([...pictures, ...count, "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]);
  }
  const coder = format === "mjpeg"
    ? ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]
    : encoder({ format, frames: FRAMES, gop: FRAMES });
  const path = await Deno.makeTempFile({ suffix: ".mkv" });
  try {
    // What is said of AV1 in front of the first frame is only known behind it.
    await ffmpeg([...pictures, ...coder, ...count, path]);
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}

/** The frames of a film. */
async function framesOf(path: string, format: FilmFormat): Promise<readonly SplitFrame[]> {
  if (format !== "y4m") return (await readFile(path)).frames;
  const splitter = new Y4mSplitter({ maxFrameBytes: 1_000_000 });
  splitter.push(await Deno.readFile(path));
  splitter.end();
  const frames: SplitFrame[] = [];
  for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
    frames.push(frame);
  }
  return frames;
}

const films: Partial<Record<FilmFormat, Promise<Uint8Array>>> = {};

/**
 * Has somebody join a stream of a film in the middle of its only GOP, and see it to its end.
 *
 * @param see Looks at an address, or at a file.
 * @returns What it sees of the stream and in the film.
 */
async function joined<Sight>(
  extension: string,
  format: FilmFormat,
  see: (address: string) => Promise<Sight>,
): Promise<{ live: Sight; there: Sight }> {
  const path = await Deno.makeTempFile({ suffix: format === "y4m" ? ".y4m" : ".mkv" });
  try {
    await Deno.writeFile(path, await (films[format] ??= film(format)));
    await Deno.chmod(path, 0o644);
    const frames = await framesOf(path, format);
    assertEquals(frames.length, FRAMES);
    await using relay = await startRelay();
    await using publisher = publish(relay.url("/cam"));
    const send = async (from: number, to: number) => {
      for (const { data, kind, leading = false, ptsUs, config } of frames.slice(from, to)) {
        await publisher.send(data, { kind, leading, ptsUs, config });
      }
    };
    await send(0, BEFORE);
    await until(relay, ({ received }) => received.frames === BEFORE, "cam");
    const live = see(`${relay.address}/cam.${extension}`);
    live.catch(() => {});
    await until(relay, ({ viewers }) => viewers >= 1, "cam");
    await send(BEFORE, FRAMES);
    await until(relay, ({ received }) => received.frames === FRAMES, "cam");
    await eventually("all to have left", async () => {
      const url = `${relay.address}/api/streams/cam/viewers`;
      const viewers = await (await fetch(url)).json();
      // deno-lint-ignore no-explicit-any
      return viewers.every(({ underWay }: any) => underWay.frames === 0);
    });
    await relay[Symbol.asyncDispose]();
    return { live: await live, there: await see(path) };
  } finally {
    await Deno.remove(path);
  }
}

/** Each ending with each format that it holds; where that is left to `test:all`, it says so. */
const CELLS: readonly (readonly [extension: string, format: FilmFormat, isLeft?: "left"])[] = [
  ["mkv", "h264"],
  ["ts", "h264"],
  ["mp4", "h264"],
  ["webm", "vp9"],
  ["h264", "h264"],
  ["hevc", "hevc"],
  ["ivf", "vp9"],
  ["mjpeg", "mjpeg"],
  ["y4m", "y4m"],
  ["mkv", "hevc", "left"],
  ["mkv", "vp8", "left"],
  ["mkv", "vp9", "left"],
  ["mkv", "av1", "left"],
  ["mkv", "mjpeg", "left"],
  ["ts", "hevc", "left"],
  ["mp4", "hevc", "left"],
  ["mp4", "vp9", "left"],
  ["mp4", "av1", "left"],
  ["webm", "vp8", "left"],
  ["webm", "av1", "left"],
  ["ivf", "vp8", "left"],
  ["ivf", "av1", "left"],
];
for (const [extension, format, isLeft] of CELLS) {
  /** Whoever joins pictures gets the newest one first. */
  const passed = format === "mjpeg" || format === "y4m" ? BEFORE - 1 : 0;
  const options = (who: string, missing: string | undefined, what: string) => {
    const name = `${who} joins /cam.${extension} of ${format} in the middle of a GOP: ${what}`;
    if (missing !== undefined && missing !== NO_FFMPEG) {
      return { name: `${name} (skipped: ${missing})`, ignore: true };
    }
    return isLeft ? thorough(NO_FFMPEG, name) : needs(NO_FFMPEG, name);
  };
  for (const player of PLAYERS) {
    // Said in docs/operations.md, as far as whoever plays a stream meets it.
    if (player.cannot?.what.test(`${extension} of ${format}`)) continue;
    const least = player.least?.(format);
    const what = least === undefined ? "every picture" : `every picture up to number ${least}`;
    Deno.test({
      ...options(player.name, player.missing, what),
      async fn() {
        const { live, there } = await joined(
          extension,
          format,
          (address) => seen(player, address, format),
        );
        const { bytes } = player;
        const end = least ?? FRAMES;
        const pictures = [there.byteLength / bytes, live.byteLength / bytes + passed];
        assert(pictures.every((count) => count >= end && count <= FRAMES), `${pictures}`);
        const expected = there.subarray(passed * bytes, end * bytes);
        assert(expected.every((byte, at) => byte === live[at]), "the pixels are the same");
      },
    });
  }
  Deno.test({
    ...options(
      "ffprobe",
      NO_FFMPEG,
      "it finds the format, the size, every frame, and its time if it has one",
    ),
    async fn() {
      const { live } = await joined(extension, format, async (address) => {
        const [command, ...args] = FFPROBE;
        const child = new Deno.Command(command!, {
          args: [...args, address],
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        });
        const { stdout, stderr } = await soon("ffprobe's end", child.output());
        assertEquals(new TextDecoder().decode(stderr), "", address);
        return JSON.parse(new TextDecoder().decode(stdout));
      });
      const count = FRAMES - passed;
      assertEquals(live.streams, [{
        codec_name: format === "y4m" ? "rawvideo" : format,
        width: WIDTH,
        height: HEIGHT,
        nb_read_frames: String(count),
      }]);
      if (IS_UNTIMED.test(`.${extension}`)) return;
      const times: number[] = live.frames.map((frame: { pts_time: string }) =>
        Number(frame.pts_time) * 1000
      );
      assertEquals(times.length, count);
      for (const [index, timeMs] of times.entries()) {
        assertAlmostEquals(timeMs - times[0]!, index * 1000 / 30, 1.1, `${times}`);
      }
    },
  });
}

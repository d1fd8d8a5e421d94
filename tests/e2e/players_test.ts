/** Players that join in the middle of a GOP see what they see in the file that the stream is made of. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { publish } from "../../src/client/publish.ts";
import { ffmpeg, has, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { readFile } from "../media/files.ts";
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

/** Has VLC write what it reads as MPEG-TS, which ffmpeg decodes. VLC refuses to be run by root. */
const VLC = `
folder=$(mktemp -d) && chmod 777 $folder
[ "$(id -u)" = 0 ] && other="setpriv --reuid=65534 --regid=65534 --clear-groups"
out="#std{access=file,mux=ts,dst=$folder/film.ts}"
HOME=$folder $other cvlc -q -I dummy --no-audio --sout "$out" "$1" vlc://quit
ffmpeg -v fatal -nostdin -i $folder/film.ts -fps_mode passthrough -pix_fmt yuv420p -f rawvideo -
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
  readonly least?: number;
  command(address: string): readonly string[];
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
      ..."! decodebin ! videoconvert ! video/x-raw,format=I420 ! fdsink fd=1".split(" "),
    ],
  },
  {
    name: "OpenCV",
    missing: await has(python, "-c", "import cv2") ? undefined : "OpenCV is not installed",
    bytes: WIDTH * HEIGHT * 3,
    command: (address) => [python, "-c", OPENCV, address],
  },
  {
    name: "VLC",
    missing: await has("sh", "-c", "command -v cvlc") ? undefined : "VLC is not installed",
    bytes: WIDTH * HEIGHT * 1.5,
    least: BEFORE,
    command: (address) => ["sh", "-c", VLC, "sh", address],
  },
];

/** What mpv says of each file without times, in whichever version. */
const SAYS_UNTIMED = new RegExp(
  "^(No video PTS!|Ignoring further missing PTS|" +
    "\\[lavf\\] (This format is marked|FFmpeg will likely|video streams you|    --|with VALUE|" +
    "expect seeking|broken as well))",
);

/** The pixels that a player sees. */
async function seen(player: Player, address: string): Promise<Uint8Array> {
  const [command, ...args] = player.command(address);
  const child = new Deno.Command(command!, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr } = await soon(`${player.name}’s end`, child.output());
  const isUntimed = /\.(h264|hevc)$/.test(address);
  const complaints = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line !== "" && !(isUntimed && SAYS_UNTIMED.test(line)));
  assertEquals(complaints, [], player.name);
  return stdout;
}

/** A film in which each picture differs, as a Matroska. */
async function film(format: VideoFormat): Promise<Uint8Array> {
  return await ffmpeg([
    ...["-f", "lavfi", "-i", `testsrc2=size=${WIDTH}x${HEIGHT}:rate=30`],
    ...encoder({ format, frames: FRAMES, gop: FRAMES }),
    ...["-frames:v", String(FRAMES), "-g", String(FRAMES), "-threads", "1", "-f", "matroska", "-"],
  ]);
}

const films: Partial<Record<VideoFormat, Promise<Uint8Array>>> = {};
const ENDINGS: readonly (readonly [extension: string, format: VideoFormat])[] = [
  ["mkv", "h264"],
  ["ts", "h264"],
  ["mp4", "h264"],
  ["webm", "vp9"],
  ["h264", "h264"],
  ["hevc", "hevc"],
  ["ivf", "vp9"],
];
/** What VLC is run on: no MPEG-TS, as which it writes what it reads, holds VP9. */
const VLC_ENDINGS = ["mkv", "ts", "mp4"];
for (const [extension, format] of ENDINGS) {
  for (const player of PLAYERS) {
    if (player.name === "VLC" && !VLC_ENDINGS.includes(extension)) continue;
    const which = player.least === undefined ? "every picture" : "every picture up to then";
    const name = `${player.name} joins /cam.${extension} in the middle of a GOP: ${which}`;
    const options = player.missing === undefined
      ? needs(NO_FFMPEG, name)
      : { name: `${name} (skipped: ${player.missing})`, ignore: true };
    Deno.test({
      ...options,
      async fn() {
        const path = await Deno.makeTempFile({ suffix: ".mkv" });
        try {
          await Deno.writeFile(path, await (films[format] ??= film(format)));
          await Deno.chmod(path, 0o644);
          const { frames } = await readFile(path);
          await using relay = await startRelay();
          await using publisher = publish(relay.url("/cam"));
          const send = async (from: number, to: number) => {
            for (const { data, kind, leading = false, ptsUs, config } of frames.slice(from, to)) {
              await publisher.send(data, { kind, leading, ptsUs, config });
            }
          };
          await send(0, BEFORE);
          await until(relay, ({ received }) => received.frames === BEFORE, "cam");
          const live = seen(player, `${relay.address}/cam.${extension}`);
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
          const [there, here] = await Promise.all([live, seen(player, path)]);
          const pictures = (pixels: Uint8Array) => pixels.byteLength / player.bytes;
          const { least = FRAMES } = player;
          for (const pixels of [here, there]) {
            assert(pictures(pixels) >= least && pictures(pixels) <= FRAMES, `${pictures(pixels)}`);
          }
          const seenHere = here.subarray(0, least * player.bytes);
          assert(seenHere.every((byte, at) => byte === there[at]), "the pixels are the same");
        } finally {
          await Deno.remove(path);
        }
      },
    });
  }
}

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { ffmpeg, NO_FFMPEG } from "../ffmpeg.ts";
import { EVERY_FRAME, run, start, startRelay } from "../program.ts";
import { h264Pps, h264Slice, h264Sps, idr } from "../split/nal_samples.ts";
import { concat, png, uint32 } from "../split/samples.ts";
import { assertFailed } from "./assert_failed.ts";
import { fileOf, h264Shots } from "../media/files.ts";
import { jpegs, makeFolder } from "./folder.ts";
import { runHere } from "./run_here.ts";

/** An input with a fault, and what is said of it. */
interface BadInput {
  readonly what: string;
  readonly input: Uint8Array;
  readonly flags?: readonly string[];
  /** Whole frames before the fault, as files of a viewer. */
  readonly frames?: readonly Uint8Array[];
  readonly frame: number;
  readonly offset: number;
  readonly expected: RegExp;
  readonly found: RegExp;
  /** What to do, where it is not to look at the program that writes. */
  readonly advice?: RegExp;
}

const JPEGS = jpegs(3, 300);
const SIZE = JPEGS[0]!.length;
const PNGS = [png(), png({ width: 17 })];
const Y4M = bytesOf("YUV4MPEG2 W4 H2 F25:1 Cmono\n");
const Y4M_FRAME = bytesOf("FRAME\n12345678");
const RAW = ["--size", "4x2", "--pixel-format", "gray"];

const BAD_INPUTS: readonly BadInput[] = [
  {
    what: "a truncated last JPEG image",
    input: concat(...JPEGS).subarray(0, -1),
    frames: JPEGS.slice(0, 2),
    frame: 3,
    offset: 3 * SIZE - 1,
    expected: /JPEG/,
    found: /end of the input/,
  },
  {
    what: "a truncated last PNG image",
    input: concat(...PNGS).subarray(0, -5),
    frames: PNGS.slice(0, 1),
    frame: 2,
    offset: concat(...PNGS).length - 5,
    expected: /PNG/,
    found: /end of the input/,
  },
  {
    what: "a truncated last raw frame",
    input: bytesOf("12345678ABCDEFGHxyz"),
    flags: RAW,
    frames: [bytesOf("12345678"), bytesOf("ABCDEFGH")],
    frame: 3,
    offset: 19,
    expected: /8 bytes/,
    found: /3/,
    advice: /check that the size and the pixel format/,
  },
  {
    what: "a truncated last length-prefixed frame",
    input: concat(uint32(3), bytesOf("abc"), uint32(9), bytesOf("abc")),
    flags: ["--format", "lp32"],
    frames: [bytesOf("abc")],
    frame: 2,
    offset: 14,
    expected: /9 bytes/,
    found: /end of the input/,
  },
  {
    what: "a truncated Y4M frame",
    input: concat(Y4M, Y4M_FRAME, Y4M_FRAME.subarray(0, 9)),
    frames: [concat(Y4M, Y4M_FRAME)],
    frame: 2,
    offset: Y4M.length + Y4M_FRAME.length + 9,
    expected: /8 bytes/,
    found: /end of the input/,
  },
  {
    what: "garbage before the first frame",
    input: concat(bytesOf("garbage!"), ...JPEGS),
    frame: 1,
    offset: 0,
    expected: /mjpeg, mpjpeg, png, y4m, .*, Matroska \(WebM\), MP4 or MPEG-TS/,
    found: /67 61 72/,
    advice: /--format/,
  },
  {
    what: "garbage before the first frame of a format that was given",
    input: concat(bytesOf("garbage!"), ...JPEGS),
    flags: ["--format", "mjpeg"],
    frame: 1,
    offset: 0,
    expected: /a JPEG image \(ff d8\)/,
    found: /67 61/,
  },
  {
    what: "garbage between frames",
    input: concat(JPEGS[0]!, JPEGS[1]!, bytesOf("garbage"), JPEGS[2]!),
    frames: JPEGS.slice(0, 2),
    frame: 3,
    offset: 2 * SIZE,
    expected: /a JPEG image \(ff d8\)/,
    found: /67 61/,
  },
  {
    what: "a frame over --max-frame",
    input: concat(JPEGS[0]!, ...jpegs(1, 5000)),
    flags: ["--max-frame", "1kB"],
    frames: JPEGS.slice(0, 1),
    frame: 2,
    offset: SIZE,
    expected: /1000 bytes/,
    found: /more|larger|\d{4}/,
    advice: /--max-frame/,
  },
  {
    what: "an empty input",
    input: new Uint8Array(0),
    frame: 1,
    offset: 0,
    expected: /mjpeg, mpjpeg, png, y4m, .*, Matroska \(WebM\), MP4 or MPEG-TS/,
    found: /an empty input/,
    advice: /check the program/,
  },
  {
    what: "a Y4M header that lies about the size",
    input: concat(Y4M, bytesOf("FRAME\n123456"), Y4M_FRAME),
    frames: [concat(Y4M, bytesOf("FRAME\n123456FR"))],
    frame: 2,
    offset: Y4M.length + 14,
    expected: /FRAME/,
    found: /41 4d 45/,
    advice: /check that 4x2 gray is what the pictures are/,
  },
  {
    what: "a Y4M header that cannot be",
    input: bytesOf("YUV4MPEG2 W4 H0 F25:1 Cmono\nFRAME\n"),
    frame: 1,
    offset: 0,
    expected: /H from 1 to 65535/,
    found: /"0"/,
  },
];

for (const { what, input, flags = [], frames = [], frame, offset, ...named } of BAD_INPUTS) {
  Deno.test(`stream publish --strict exits with 5 for ${what}, behind the frames before it`, async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "200"]);
    await using watch = start(["watch", relay.url(), ...EVERY_FRAME], { cwd: folder.path });
    await relay.watchedBy(watch);
    const outcome = await runHere(["publish", relay.url(), "--strict", ...flags], { stdin: input });
    const at = RegExp(`^error: Cannot read frame ${frame} at byte ${offset}: expected`);
    const sentence = assertFailed(outcome, 5, at);
    const [expected, rest] = sentence.split(": expected ")[1]!.split(", found ");
    const [found, advice] = rest!.split("; ");
    assertMatch(expected!, named.expected);
    assertMatch(found!, named.found);
    assertMatch(advice ?? "", named.advice ?? /the program that writes/);
    assertEquals((await watch.outcome).code, 0, "the stream ends");
    assertEquals(await folder.files("frames"), [...frames]);
  });
}

Deno.test("stream publish exits with 2 for raw frames without a size", async () => {
  for (const flags of [["--format", "raw"], ["--size", "4x2"], ["--pixel-format", "gray"]]) {
    const outcome = await runHere(["publish", "ws://127.0.0.1:1/live", ...flags], {
      stdin: bytesOf("12345678"),
    });
    assertFailed(outcome, 2, /--size WxH and --pixel-format NAME .*--frame-size BYTES/);
  }
});

Deno.test("stream publish exits with 5 for a file that cannot be read", async () => {
  await using folder = await makeFolder();
  const names = [
    ["none", /no such file; check the name/],
    [".", /it is a folder/],
    ["*.jpg", /no such file; pipe many pictures in: cat \*\.jpg \| stream publish/],
    ["img%03d.jpg", /no such file; pipe .* ffmpeg -i img%03d\.jpg -f mjpeg .*\| stream publish/],
  ] as const;
  for (const [name, why] of names) {
    const args = ["publish", "ws://127.0.0.1:1/live", "--input", name];
    assertFailed(await run(args, { cwd: folder.path }), 5, why);
  }
});

Deno.test("stream publish names the path in the address of a local file", async () => {
  const input = "file:///films/my%20film.mp4";
  const outcome = await run(["publish", "ws://127.0.0.1:1/live", "--input", input]);
  assertFailed(
    outcome,
    2,
    /it is an address; give the file's path: --input "\/films\/my film\.mp4"/,
  );
});

Deno.test("stream publish says that nobody can see frames without a key frame", async () => {
  await using relay = await startRelay(["--fps", "source"]);
  const pictures = (count: number) =>
    concat(...Array.from({ length: count }, (_, order) => h264Slice({ order: order % 32 })));
  const few = await runHere(["publish", relay.url()], { stdin: pictures(3) });
  assertFailed(few, 5, /^error: Cannot show any of the 3 frames: none is a key frame.*--format/);
  const many = await runHere(["publish", relay.url()], { stdin: pictures(301) });
  assertFailed(many, 5, /any of the 301 frames/);
  assertMatch(
    many.stderr,
    /^warn: nobody can see the first 300 frames, because none is a key frame; check/m,
  );
  const sets = concat(h264Sps(), h264Pps());
  const late = await run(["publish", relay.url()], { stdin: concat(pictures(3), sets, idr()) });
  assertEquals(late.code, 0, late.stderr);
});

Deno.test("stream publish says which limit of the relay a frame is over", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--max-frame", "1kB"]);
  await using watch = start(["watch", relay.url()], { cwd: folder.path });
  await relay.watchedBy(watch);
  const small = jpegs(1)[0]!;
  const outcome = await run(["publish", relay.url()], { stdin: concat(small, ...jpegs(1, 5000)) });
  assertFailed(
    outcome,
    5,
    /frame 2: it has 50\d\d bytes, the relay takes at most 1000; .*--max-fr/,
  );
  assertEquals((await watch.outcome).code, 0);
  assertEquals(await folder.files("frames"), [small]);
});

/** Containers: how ffmpeg makes them, what they begin with elsewhere, and what is said of them. */
const CONTAINERS: readonly (readonly [string, string, Uint8Array, RegExp])[] = [
  [
    "FLV",
    "-f flv -",
    bytesOf("FLV\x01\x01"),
    /at byte 0: expected mjpeg, .*, found FLV; pipe it through: ffmpeg -i INPUT -f mjpeg -q:v 3 -$/,
  ],
  [
    "an MP4 with its list of frames at the end",
    "-f mp4 plain.mp4",
    bytesOf("\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x20mdat"),
    /expected an MP4 with the list .* in front, found one whose list .*; give the file itself with --input, or .*-movflags frag_keyframe\+empty_moov$/,
  ],
  [
    "Matroska from its middle on",
    "",
    Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0xff, 0xe7, 0x81, 0),
    /at byte 0: expected the list of tracks in front of the frames, found frames; start the program .* again/,
  ],
];

for (const [name, flags, start, said] of CONTAINERS) {
  Deno.test(`stream publish exits with 5 for ${name}, and says what to do`, async () => {
    const pattern = "-f lavfi -i testsrc=size=64x48:rate=5 -frames:v 5";
    await using folder = await makeFolder();
    let input = start;
    if (NO_FFMPEG === undefined && flags !== "") {
      const args = [...pattern.split(" "), ...flags.split(" ")];
      const path = `${folder.path}/plain.mp4`;
      input = await ffmpeg(args.map((arg) => arg === "plain.mp4" ? path : arg));
      if (input.length === 0) input = await Deno.readFile(path);
    }
    await using relay = await startRelay();
    const outcome = await runHere(["publish", relay.url()], { stdin: input });
    assertFailed(outcome, 5, said);
  });
}

function isCluster(bytes: Uint8Array): boolean {
  return [0x1f, 0x43, 0xb6, 0x75].every((byte, offset) => bytes[offset] === byte);
}

Deno.test("stream publish goes on behind garbage in Matroska, and with --strict exits with 5", async () => {
  const film = fileOf("x.mkv", h264Shots(60));
  const at = film.findLastIndex((_, index) => isCluster(film.subarray(index)));
  const input = concat(film.subarray(0, at), bytesOf("garbage"), film.subarray(at));
  await using relay = await startRelay(["--fps", "source"]);
  const lenient = await runHere(["publish", relay.url("one")], { stdin: input });
  assertEquals(lenient.code, 0, lenient.stderr);
  assertMatch(
    lenient.stderr,
    /left out data that is not a whole frame at byte \d+: expected an el/,
  );
  assertMatch(lenient.stderr, /published 60 frames, .* 1 damaged/);
  const strict = await runHere(["publish", relay.url("two"), "--strict"], { stdin: input });
  const sentence = new RegExp(`at byte ${at}: expected an element of Matroska, found 67 61 72 62`);
  assertFailed(strict, 5, sentence);
});

Deno.test("stream publish refuses garbage without end behind the header of a Matroska", async () => {
  const film = fileOf("x.mkv", h264Shots(5));
  const garbage = new Uint8Array(6 * 1024 * 1024).fill(0x67);
  await using relay = await startRelay();
  const flags = ["--format", "matroska", "--max-frame", "1MiB"];
  const header = film.subarray(0, film.findIndex((_, index) => isCluster(film.subarray(index))));
  const stdin = concat(header, garbage);
  const outcome = await runHere(["publish", relay.url(), ...flags], { stdin });
  assertFailed(outcome, 5, /frame 1 at byte \d+: expected an element of Matroska/);
});

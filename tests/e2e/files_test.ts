/** Whole files of ffmpeg's in and out, through three processes. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertFailed } from "../cli/assert_failed.ts";
import { type Folder, jpegs, makeFolder } from "../cli/folder.ts";
import { greeting, takeFrames } from "../cli/greeting.ts";
import { latin1 } from "../../src/bytes/text.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { EVERY_FRAME, run, type RunningRelay, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { relayed } from "./relayed.ts";
import { eventually, soon } from "../waiting.ts";
import { credit } from "../wire/messages.ts";

const X264 = "-c:v libx264 -preset veryfast -g 30 -bf 2 -pix_fmt yuv420p";
const X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30 -tag:v hvc1";
const VP8 = "-c:v libvpx -g 30 -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10";
const VP9 = "-c:v libvpx-vp9 -g 30 -cpu-used 8";
/** How a cluster of Matroska begins. */
const CLUSTER = "\x1f\x43\xb6\x75";
const AV1 = "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 30";

/** Makes a file of 75 pictures that all differ. */
async function makeFile(folder: Folder, name: string, flags: string): Promise<string> {
  const path = `${folder.path}/${name}`;
  const source = "-f lavfi -i testsrc2=size=160x90:rate=25 -frames:v 75";
  await ffmpeg([...source.split(" "), ...flags.split(" "), path]);
  return path;
}

/** What ffprobe sees of a packet. */
interface Packet {
  readonly timeMs: number;
  readonly isKey: boolean;
  readonly hash: string;
}

async function packetsOf(path: string): Promise<Packet[]> {
  const fields = "packet=pts_time,flags,data_hash";
  const flags = ["-v", "error", "-select_streams", "v", "-show_data_hash", "md5"];
  const { stdout } = await new Deno.Command("ffprobe", {
    args: [...flags, "-show_entries", fields, "-of", "json", path],
  }).output();
  const { packets } = JSON.parse(new TextDecoder().decode(stdout));
  return packets.map((packet: Record<string, string>) => ({
    timeMs: Math.round(Number(packet.pts_time) * 1000),
    isKey: packet.flags!.startsWith("K"),
    hash: packet.data_hash!,
  }));
}

/** Asserts that two files have the same packets, at the same times from the first. */
async function assertSame(copy: string, original: string): Promise<void> {
  const [seen, wanted] = [await packetsOf(copy), await packetsOf(original)];
  assertEquals(seen.length, wanted.length);
  assertEquals(seen[0]!.timeMs, 0);
  const startMs = wanted[0]!.timeMs;
  for (const [index, packet] of seen.entries()) {
    const { timeMs, isKey, hash } = wanted[index]!;
    assertEquals([packet.isKey, packet.hash], [isKey, hash], `packet ${index} of ${copy}`);
    const lateMs = packet.timeMs - (timeMs - startMs);
    assert(Math.abs(lateMs) <= 1, `packet ${index} is ${lateMs} ms late`);
  }
  // ffmpeg complains of nothing: it would fail.
  await ffmpeg(["-xerror", "-i", copy, "-f", "null", "-"]);
}

for (
  const [what, name, flags, copies] of [
    ["H.264 with B frames in MP4", "b.mp4", X264, ["mp4", "mkv"]],
    [
      "H.264 of open GOPs in fragments",
      "o.mp4",
      `${X264} -x264-params open-gop=1 -movflags ` +
      "frag_keyframe+empty_moov",
      ["mp4"],
    ],
    ["H.264 in MKV", "b.mkv", X264, ["mp4"]],
    ["H.265 in MP4", "h.mp4", X265, ["mp4", "mkv"]],
    ["VP8 with hidden frames in WebM", "8.webm", VP8, ["webm"]],
    ["VP9 in WebM", "9.webm", VP9, ["webm", "mp4", "ivf"]],
    ["AV1 in MKV", "a.mkv", AV1, ["mkv", "mp4"]],
  ] as const
) {
  Deno.test(needs(NO_FFMPEG, `${what} comes out as it went in: ${copies.join(", ")}`), async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    const input = await makeFile(folder, name, flags);
    for (const extension of copies) {
      const copy = `${folder.path}/copy.${extension}`;
      const publish = ["--input", input, "--pace", "relay"];
      await relayed(relay, { publish, watch: ["-o", copy], name: extension });
      await assertSame(copy, input);
    }
  });
}

Deno.test(needs(NO_FFMPEG, "H.264 in MPEG-TS and MOV comes out with its pictures"), async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "source"]);
  const gray = ["-f", "rawvideo", "-pix_fmt", "gray", "-"];
  for (const extension of ["ts", "mov"]) {
    const input = await makeFile(folder, `in.${extension}`, X264);
    const copy = `${folder.path}/${extension}.mp4`;
    const publish = ["--input", input, "--pace", "relay"];
    await relayed(relay, { publish, watch: ["-o", copy], name: extension });
    assertEquals(await ffmpeg(["-i", copy, ...gray]), await ffmpeg(["-i", input, ...gray]));
  }
});

Deno.test(
  needs(NO_FFMPEG, "stream publish sends a file at the pace of its timestamps"),
  async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    const input = await makeFile(folder, "b.mp4", X264);
    const startMs = performance.now();
    const { code, stderr } = await run(["publish", relay.url(), "--input", input]);
    assertEquals(code, 0, stderr);
    // 75 pictures of 40 ms: the last is due 74 later. A busy machine may take longer.
    assert(performance.now() - startMs >= 74 * 40);
  },
);

Deno.test(
  needs(NO_FFMPEG, "stream publish --loop repeats a file; its recording is one"),
  async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    const input = await makeFile(folder, "b.mp4", X264);
    const copy = `${folder.path}/copy.mkv`;
    await using watch = start(
      ["watch", relay.url(), "-o", copy, "--count", "180", ...EVERY_FRAME],
    );
    await relay.watchedBy(watch);
    await using publish = start(
      ["publish", relay.url(), "--input", input, "--loop", "--pace", "relay"],
    );
    assertEquals((await watch.outcome).code, 0);
    publish.kill("SIGTERM");
    assertEquals((await publish.outcome).code, 0);
    const [seen, once] = [await packetsOf(copy), await packetsOf(input)];
    assertEquals(
      seen.map(({ hash }) => hash),
      [...once, ...once, ...once].slice(0, 180).map((one) => one.hash),
    );
    const times = seen.map(({ timeMs }) => timeMs).sort((one, other) => one - other);
    // The last group of pictures may lack some that are shown before its end.
    for (const [index, timeMs] of times.slice(0, -4).entries()) {
      assert(Math.abs(timeMs - index * 40) <= 1, `${timeMs} for picture ${index}`);
    }
  },
);

for (const [name, args] of [["images.mjpeg", []], ["images", ["--format", "mjpeg"]]] as const) {
  Deno.test(`stream publish --loop repeats ${name}, which is no media file`, async () => {
    await using folder = await makeFolder();
    const images = jpegs(3);
    await Deno.writeFile(`${folder.path}/${name}`, concat(...images));
    const frames: Uint8Array[] = [];
    const taken = Promise.withResolvers<void>();
    // No viewer: it would be left behind where it is held up for a second.
    await using relay = greeting("publish", (socket) => {
      socket.send(credit(8, 0));
      takeFrames(socket, (data) => {
        if (frames.push(data) === 8) taken.resolve();
      });
    });
    await using _publish = start(
      ["publish", `${relay.url}/cam`, "--input", `${folder.path}/${name}`, "--loop", ...args],
    );
    await soon("eight frames", taken.promise);
    assertEquals(frames, [...images, ...images, ...images.slice(0, 2)]);
  });
}

Deno.test("stream publish refuses to repeat what is no file, or has no frame", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay();
  const path = `${folder.path}/empty`;
  await Deno.writeFile(path, new Uint8Array(0));
  const cases: readonly (readonly [string[], number, RegExp])[] = [
    [["--loop"], 2, /--loop repeats a file; give --input FILE/],
    [["--loop", "--test-pattern"], 2, /--loop repeats a file/],
    [["--loop", "--input", path, "--format", "mjpeg"], 5, /the file is empty/],
    [["--input", path, "--pace", "fast"], 2, /--pace fast is not one of timestamps, relay/],
  ];
  for (const [args, code, why] of cases) {
    assertFailed(await run(["publish", relay.url(), ...args]), code, why);
  }
});

Deno.test(needs(NO_FFMPEG, "stream publish says what is wrong with a media file"), async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "source"]);
  const whole = await Deno.readFile(await makeFile(folder, "b.mp4", X264));
  const old = await makeFile(folder, "old.mp4", "-c:v mpeg4");
  const sound = `${folder.path}/sound.mp4`;
  await ffmpeg(["-f", "lavfi", "-i", "sine=duration=1", sound]);
  const half = `${folder.path}/half.mp4`;
  await Deno.writeFile(half, whole.subarray(0, whole.length / 2));
  const cases = [
    [half, /half\.mp4: the file was cut off before the list of its frames; copy it again/],
    [
      old,
      /its video is coded as mp4v [^,]+, or MPEG-2\), which the relay does not support; try: ffmpeg -i \S+old\.mp4 -f mjpeg/,
    ],
    [sound, /it has no video, only audio; give a file with video/],
  ] as const;
  for (const [input, why] of cases) {
    assertFailed(await run(["publish", relay.url(), "--input", input]), 5, why);
  }
});

const CUT = "the file was cut off before its end";
const STRAY = "the data at byte \\d+ is not part";
const NO_PACKET = "there is no MPEG-TS packet at byte \\d+";

for (
  const [name, flags, what, damage, why] of [
    ["x.mp4", `${X264} -movflags faststart`, "is cut off", cutAt(0.5), CUT],
    ["x.mkv", X264, "is cut off", cutAt(0.5), CUT],
    ["x.webm", VP9, "is cut off", cutAt(0.5), CUT],
    ["x.ts", X264, "is cut off", cutAt(0.5), CUT],
    [
      "x.mp4",
      `${X264} -movflags frag_keyframe+empty_moov+default_base_moof`,
      "has junk within",
      junkAt("moof"),
      STRAY,
    ],
    ["x.mkv", `${X264} -cluster_time_limit 500`, "has junk within", junkAt(CLUSTER), STRAY],
    ["x.webm", `${VP9} -cluster_time_limit 500`, "has junk within", junkAt(CLUSTER), STRAY],
    ["x.ts", X264, "has junk within", (file: Uint8Array) => withJunk(file, 188 * 40), NO_PACKET],
  ] as const
) {
  Deno.test(
    needs(
      NO_FFMPEG,
      `stream publish plays ${name} that ${what} (${flags}), and --strict ends there`,
    ),
    async () => {
      await using folder = await makeFolder();
      await using relay = await startRelay(["--fps", "source"]);
      const input = await makeFile(folder, name, flags);
      const file = damage(await Deno.readFile(input));
      await Deno.writeFile(input, file);
      const publish = async (copy: string, ...more: string[]) => {
        await using watch = start(["watch", relay.url(), "-o", copy, ...EVERY_FRAME]);
        await relay.watchedBy(watch);
        const args = ["publish", relay.url(), "--input", input, "--pace", "relay", ...more];
        const outcome = await run(args);
        assertEquals((await watch.outcome).code, 0);
        const frames = await Deno.stat(copy).then(() => packetsOf(copy), () => []);
        return { outcome, frames: frames.length };
      };
      const lenient = await publish(`${folder.path}/all.mkv`);
      // Of MPEG-TS, a packet that is cut off is only one that is lost.
      const isError = why === CUT && name !== "x.ts";
      assertEquals(lenient.outcome.code, isError ? 5 : 0, lenient.outcome.stderr);
      const said = isError
        ? RegExp(`^error: Cannot read frame (\\d+) of \\S+: ${why}; copy it again`, "m")
        : RegExp(`^warn: left out a part of \\S+ at frame (\\d+): ${why}.*; 1 damaged`, "m");
      const at = Number(said.exec(lenient.outcome.stderr)?.[1]);
      assert(at > 0, lenient.outcome.stderr);
      assertMatch(lenient.outcome.stderr, /published \d+ frames, .*, 1 damaged$/m);
      const strict = await publish(`${folder.path}/some.mkv`, "--strict");
      assertFailed(strict.outcome, 5, RegExp(`Cannot read frame ${at} of \\S+: ${why}`));
      assertEquals(strict.frames, at - 1, "all before it were sent");
      assert(lenient.frames >= strict.frames);
      assert(lenient.frames > 20);
    },
  );
}

function cutAt(part: number): (file: Uint8Array) => Uint8Array {
  // A whole number of packets of MPEG-TS would be a whole file.
  return (file) => file.subarray(0, Math.floor(file.length * part / 188) * 188 + 100);
}

/** Puts junk in front of the box or element that begins last, of those with these four bytes. */
function junkAt(type: string): (file: Uint8Array) => Uint8Array {
  return (file) => {
    const at = latin1(file).lastIndexOf(type);
    assert(at > 0);
    return withJunk(file, type === "moof" ? at - 4 : at);
  };
}

function withJunk(file: Uint8Array, at: number): Uint8Array {
  return concat(file.subarray(0, at), new Uint8Array(77), file.subarray(at));
}

/** Waits until a file has so many bytes. */
async function grown(path: string, bytes: number): Promise<void> {
  await eventually(`${path} to have ${bytes} bytes`, async () => {
    const size = await Deno.stat(path).then(({ size }) => size, () => 0);
    return size >= bytes;
  });
}

async function record(relay: RunningRelay, folder: Folder, name: string) {
  const watch = start(["watch", relay.url(), "-o", name, ...EVERY_FRAME], {
    cwd: folder.path,
  });
  await relay.watchedBy(watch);
  return watch;
}

for (const name of ["x.mkv", "x.mp4", "x.webm", "x.ivf", "x.h264"]) {
  Deno.test(
    needs(NO_FFMPEG, `A recording ${name} that is killed plays up to its end`),
    async () => {
      await using folder = await makeFolder();
      await using relay = await startRelay(["--fps", "source"]);
      const isVp9 = name.endsWith("webm") || name.endsWith("ivf");
      const input = await makeFile(folder, isVp9 ? "in.webm" : "in.mkv", isVp9 ? VP9 : X264);
      const { size } = await Deno.stat(input);
      await using watch = await record(relay, folder, name);
      const partial = `.${name}.${watch.pid}.part`;
      if (name !== "x.h264") {
        await watch.said(RegExp(`recording to ${partial} until it is complete`));
      }
      await using publish = start(
        ["publish", relay.url(), "--input", input, "--loop", "--pace", "relay"],
      );
      await grown(`${folder.path}/${partial}`, 2 * size);
      watch.kill("SIGKILL");
      await watch.outcome;
      publish.kill("SIGTERM");
      assertEquals((await folder.names()).includes(name), false);
      const killed = `${folder.path}/killed.${name.split(".")[1]}`;
      await Deno.rename(`${folder.path}/${partial}`, killed);
      const packets = await packetsOf(killed);
      assert(packets.length > 100, `${packets.length} packets`);
      const once = await packetsOf(input);
      if (name === "x.h264") return;
      for (const [index, { hash }] of packets.slice(0, -1).entries()) {
        assertEquals(hash, once[index % once.length]!.hash);
      }
    },
  );
}

Deno.test(needs(NO_FFMPEG, "A recording goes on behind a publisher's restart"), async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "source"]);
  const input = await makeFile(folder, "in.mp4", X264);
  const copy = `${folder.path}/copy.mp4`;
  await using watch = start(
    ["watch", relay.url(), "-o", copy, "--follow", "--count", "150", ...EVERY_FRAME],
  );
  await relay.watchedBy(watch);
  for (let round = 0; round < 2; round++) {
    const { code } = await run(["publish", relay.url(), "--input", input, "--pace", "relay"]);
    assertEquals(code, 0);
  }
  const { code, stderr } = await watch.outcome;
  assertEquals(code, 0, stderr);
  const [seen, once] = [await packetsOf(copy), await packetsOf(input)];
  assertEquals(seen.map(({ hash }) => hash), [...once, ...once].map(({ hash }) => hash));
  const times = seen.map(({ timeMs }) => timeMs).sort((one, other) => one - other);
  assertEquals(new Set(times).size, 150, "no two pictures have one time");
  assert(times.at(-1)! < 150 * 40 + 100, `${times.at(-1)} ms`);
});

Deno.test(
  needs(NO_FFMPEG, "Pictures of another size end a recording, or begin a segment"),
  async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    const small = await makeFile(folder, "small.mp4", `${X264} -s 96x64`);
    const large = await makeFile(folder, "large.mp4", X264);
    const send = async () => {
      for (const input of [small, large]) {
        await run(["publish", relay.url(), "--input", input, "--pace", "relay"]);
      }
    };
    await using one = await record(relay, folder, "one.mp4");
    await run(["publish", relay.url(), "--input", small, "--pace", "relay"]);
    assertEquals((await one.outcome).code, 0);
    const flags = ["--follow", ...EVERY_FRAME];
    await using ended = start(["watch", relay.url(), "-o", "ended.mp4", ...flags], {
      cwd: folder.path,
    });
    await relay.watchedBy(ended);
    await send();
    assertFailed(
      await ended.outcome,
      1,
      /Cannot continue ended\.mp4: .* changed from h264 96x64 .* to h264 160x90 .*; use --segment/,
    );
    await assertSame(`${folder.path}/ended.mp4`, small);
    await using segments = start(
      ["watch", relay.url(), "-o", "s-%d.mp4", "--segment", "1h", "--count", "150", ...flags],
      { cwd: folder.path },
    );
    await relay.watchedBy(segments);
    await send();
    const { code, stderr } = await segments.outcome;
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /wrote 150 frames, .* to s-1\.mp4 to s-2\.mp4, /);
    await assertSame(`${folder.path}/s-1.mp4`, small);
    await assertSame(`${folder.path}/s-2.mp4`, large);
  },
);

Deno.test(
  needs(NO_FFMPEG, "stream watch --every refuses frames that depend on one another"),
  async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    const input = await makeFile(folder, "in.mp4", X264);
    await using watch = start(["watch", relay.url(), "-o", "-", "--every", "2"]);
    await relay.watchedBy(watch);
    await run(["publish", relay.url(), "--input", input, "--pace", "relay"]);
    assertFailed(await watch.outcome, 1, /every n-th frame of h264: .* depend .*; .*--fps/);
  },
);

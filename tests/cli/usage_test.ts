// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { jpegs, makeFolder } from "./folder.ts";
import { runHere } from "./run_here.ts";

/** A wrong line, and what its sentence names: the wrong thing, then the right one. */
const WRONG_LINES: readonly (readonly [line: string, ...named: string[]])[] = [
  ["serv", `"stream serv"`, `"stream serve"`],
  ["watc", `"stream watc"`, `"stream watch"`],
  ["help publsh", `"stream publsh"`, `"stream publish"`],
  ["--verison", `"stream --verison"`, `"stream --version"`],
  ["version", `"stream version"`, `"stream --version"`],
  ["serve --prot 1", "--prot", "--port?"],
  ["serve --max-frames=1MiB", "--max-frames", "--max-frame?"],
  ["serve -p 80", "-p", "did you mean --port or --publish-token?"],
  ["serve --give-up 5s", "unknown option --give-up; --give-up is an option of publish;"],
  ["serve --giveup=5s", "--giveup", "--give-up is an option of publish;"],
  ["serve --overwrite", "--overwrite is an option of watch;"],
  ["serve --input a.mp4", "--input is an option of publish;"],
  ["serve --viewers 5", "--viewers", "did you mean --max-viewers?"],
  ["serve --colour blue", "unknown option --colour; see"],
  ["serve --version", `the version is shown by "stream --version"`],
  ["publish --max-viewers 5", "--max-viewers is an option of serve and demo;"],
  ["publish --buffer 1s", "--buffer is an option of serve"],
  ["publish --count 5", "--count is an option of watch;"],
  ["publish --jsn", "--jsn", "--json is an option of list and bench;"],
  ["watch --max-viewers 5", "--max-viewers is an option of serve and demo;"],
  ["watch --on-full drop", "--on-full is an option of publish;"],
  ["watch --size 4x4", "--size is an option of publish and bench;"],
  ["list --fps 5", "--fps is an option of serve, watch, bench and demo;"],
  ["fps --port 80", "--port is an option of serve and demo;"],
  ["demo --input a.mp4", "--input is an option of publish;"],
  ["--port 80", `"stream --port"`, "--port is an option of serve and demo, and belongs after"],
  ["transmogrify", `"stream transmogrify"`, `"stream help" shows`],
  ["publish --takover", "--takover", "--takeover?"],
  ["watch --overwite", "--overwite", "--overwrite?"],
  ["watch --no-follow", "--no-follow", "--follow?"],
  ["list --jsn", "--jsn", "--json?"],
  ["serve --port 65536", "--port 65536", "a whole number from 0 to 65535"],
  ["serve --port -1", "--port -1", "from 0 to 65535"],
  ["serve --port 1.5", "--port 1.5", "a whole number"],
  ["serve --port", "--port needs a value", "from 0 to 65535"],
  ["serve --port --fps 30", "--port needs a value"],
  ["serve --fps 0", "--fps 0", `or "source"`],
  ["serve --fps 1001", "--fps 1001", "to 1000"],
  ["serve --fps 30/0", "--fps 30/0"],
  ["serve --fps fast", "--fps fast", `"source"`],
  ["serve --buffer 5", "--buffer 5", "500ms or 5s"],
  ["serve --buffer 0s", "--buffer 0s", "from 1ms to 10m"],
  ["serve --max-frame 8XB", "--max-frame 8XB", "a size such as 8MiB"],
  ["serve --max-frame 64MiB", "--max-frame 64MiB", "a size from 1B"],
  ["serve --max-memory 16MiB", "--max-memory", "2 × --max-frame"],
  ["serve --max-viewers 0", "--max-viewers 0", "from 1 to"],
  ["serve --workers 65", "--workers 65", "a number from 1 to 64 or auto"],
  ["serve --log yaml", "--log yaml", "one of text, json"],
  ["serve extra", `unexpected argument "extra"`],
  ["publish --format mjpg", "--format mjpg", "mjpeg"],
  ["publish --size 640", "--size 640", "640x480"],
  ["publish --size 0x480 --pixel-format rgb24", "--size 0x480"],
  ["publish --size 4x4 --pixel-format rgb42", "--pixel-format rgb42", "rgb24?"],
  ["publish --size 4x4 --pixel-format i420", "--pixel-format i420", "yuv420p"],
  ["publish --size 4x4 --pixel-format BGR", "--pixel-format BGR", "; use bgr24"],
  ["publish --size 4x4 --pixel-format p010le", "p010le", "ffmpeg … -f rawvideo -pix_fmt yuv420p"],
  [
    "publish --size 4x4 --pixel-format nv16",
    "nv16",
    "known pixel format; known are",
    "-pix_fmt yuv420p",
  ],
  ["publish --size 4x4 --pixel-format gray16", "gray16", "; use gray16le"],
  ["publish --size 4x4 --pixel-format yuvj420p", "yuvj420p", "; use yuv420p"],
  ["publish --input http://host/film.mp4", "it is an address", "ffmpeg -i http://host/film.mp4"],
  [
    "publish --input rtsp://cam/1?a=b",
    "an address",
    'ffmpeg -rtsp_transport tcp -i "rtsp://cam/1?a=b"',
  ],
  ["publish --input /dev/video0", "it is a camera", "ffmpeg -f v4l2 -i /dev/video0"],
  ["publish --loop --input -", "--loop repeats a file"],
  ["publish --on-full maybe", "--on-full maybe", "one of wait, drop"],
  ["publish --frame-size 0", "--frame-size 0", "from 1B"],
  ["publish --frame-size 9 --size 1x3", "--frame-size cannot be used with --size"],
  ["publish --format png --size 4x4", "--size", "not png"],
  ["publish --test-pattern --input x", "--test-pattern and --input cannot be used together"],
  ["publish --fps 10", "unknown option --fps", `"stream fps RATE"`, `"stream serve --fps RATE"`],
  ["publish -i film.mp4", "unknown option -i", "--input"],
  ["publish film.mp4", `"film.mp4"`, "--input film.mp4"],
  ["publish -", `"-"`, "--input"],
  ["publish rtsp://camera/1", `"rtsp://camera/1"`, "ffmpeg -rtsp_transport tcp -i rtsp://camera/1"],
  ["publish /dev/video0", `"/dev/video0"`, "--input /dev/video0"],
  ["watch out/copy.mp4", `"out/copy.mp4"`, "--output out/copy.mp4"],
  ["watch rtmp://site/key", `"rtmp://site/key"`, "--output - | ffmpeg -i - -c copy"],
  ["publish --loop", "--loop repeats a file", "give --input FILE"],
  ["publish --test-pattern --pace relay", "--pace is for files", "give --input FILE"],
  ["publish --test-pattern --format mjpeg", "png or raw, not mjpeg"],
  ["publish ws://h/a ws://h/b", `unexpected argument "ws://h/b"`],
  ["watch --every 0", "--every 0", "from 1 to"],
  ["watch --count x", "--count x", "a whole number"],
  ["watch --duration soon", "--duration soon", "500ms or 5s"],
  ["watch --duration 577h", "--duration 577h", "from 1ms to 576h"],
  ["demo --duration 577h", "--duration 577h", "from 1ms to 576h"],
  ["watch --follow=maybe", "--follow maybe", "true or false"],
  ["watch --max-delay 2m", "--max-delay 2m", "from 1ms to 1m"],
  ["watch -o clip.avi", ".avi files cannot be written", ".mp4", "ffmpeg -i - -c copy clip.avi"],
  ["watch -o %d.gif", ".gif files cannot be written", "%d.jpg or %d.png"],
  ["watch -o live.m3u8 --segment 1s", ".m3u8 files cannot be written", ".mkv"],
  ["watch -o rtmp://site/key", "it is an address", "ffmpeg -i - -c copy -f FORMAT rtmp://site/key"],
  ["watch --output=", "--output needs a value"],
  ["watch ftp://127.0.0.1/live", `"ftp://127.0.0.1/live"`, "ws://127.0.0.1:8080/live"],
  ["watch nonsense", `"nonsense"`, "ws://127.0.0.1:8080/live"],
  ["bench --viewers 0", "--viewers 0", "from 1 to 100000"],
  [
    "bench --stalled 3 --slow 2 --viewers 4",
    "--stalled and --slow together must not exceed --viewers",
  ],
  ["bench --size 15", "--size 15", "from 16B"],
  ["bench --fps source", "--fps source", "a number of frames a second"],
  ["bench --duration 99ms", "--duration 99ms", "from 100ms to 1h"],
  ["bench --workers many", "--workers many", "from 1 to 64 or auto"],
  ["bench --workers 65", "--workers 65", "from 1 to 64 or auto"],
  ["bench --viewers-only", "--viewers-only needs the URL"],
  ["bench ws://127.0.0.1:1/a --viewers-only --join-fps 5", "--join-fps is for frames"],
  ["bench --viewer 5", "--viewer", "--viewers?"],
  ["fps sometimes", "the rate sometimes", "source"],
  ["fps door 10", `"door" is not an address`, "ws://"],
];

for (const [line, ...named] of WRONG_LINES) {
  Deno.test(`stream ${line} is a usage error that names what is wrong and right`, async () => {
    const { code, stdout, stderr } = await runHere(line.split(" "));
    assertEquals([code, stdout.length], [2, 0], stderr);
    assertMatch(stderr, /^error: Cannot [^\n]+\n$/, "one line");
    for (const name of named) assertStringIncludes(stderr, name);
  });
}

const WRONG_VARIABLES: readonly (readonly [line: string, name: string, value: string])[] = [
  ["serve", "STREAM_PORT", "99999"],
  ["serve", "STREAM_FPS", "quick"],
  ["serve", "STREAM_MAX_FRAME", "1 pound"],
  ["publish", "STREAM_FORMAT", "gif"],
  ["watch", "STREAM_OVERWRITE", "perhaps"],
  ["watch", "STREAM_LOG", "xml"],
  ["bench", "STREAM_BENCH_FPS", "source"],
  ["bench", "STREAM_STALLED", "all"],
];

for (const [line, name, value] of WRONG_VARIABLES) {
  Deno.test(`stream ${line} names ${name} where its value is wrong`, async () => {
    const { code, stdout, stderr } = await runHere([line], { env: { [name]: value } });
    assertEquals([code, stdout.length], [2, 0]);
    assertMatch(stderr, RegExp(`^error: Cannot [^\n]*${name} ${value} is not [^\n]+\n$`));
  });
}

Deno.test("stream watch names a STREAM_URL that is no address", async () => {
  const { code, stderr } = await run(["watch"], { env: { STREAM_URL: "nowhere" } });
  assertEquals(code, 2);
  assertMatch(stderr, /^error: Cannot use "nowhere" as an address: [^\n]+\n$/);
});

Deno.test("stream takes options from the environment, and those on the line before them", async () => {
  await using folder = await makeFolder();
  const input = jpegs(3);
  await Deno.writeFile(`${folder.path}/in.mjpeg`, concat(...input));
  await Deno.mkdir(`${folder.path}/out`);
  await Deno.writeTextFile(`${folder.path}/out/2.jpg`, "old");
  await using relay = await startRelay([], { env: { STREAM_PORT: "99999", STREAM_FPS: "123" } });
  const env = {
    STREAM_URL: relay.url("door"),
    STREAM_INPUT: "in.mjpeg",
    STREAM_OUTPUT: "out/%d.jpg",
    STREAM_OVERWRITE: "true",
    STREAM_MAX_DELAY: "30s",
  };
  await using watch = start(["watch"], { env, cwd: folder.path });
  await relay.watchedBy(watch, "door");
  assertEquals(new TextDecoder().decode((await run(["fps"], { env })).stdout), "123\n");
  const published = await run(["publish"], { env, cwd: folder.path });
  assertEquals(published.code, 0, published.stderr);
  const watched = await watch.outcome;
  assertEquals(watched.code, 0, watched.stderr);
  assertEquals(await folder.names("out"), ["1.jpg", "2.jpg", "3.jpg"]);
  assertEquals(await folder.files("out"), input);
});

Deno.test("stream takes an empty variable for one that is not set", async () => {
  await using relay = await startRelay([], { env: { STREAM_FPS: "", STREAM_LOG: "" } });
  await using watch = start(["watch", relay.url(), "-o", "-"]);
  await relay.watchedBy(watch);
  assertEquals(new TextDecoder().decode((await run(["fps", relay.url()])).stdout), "30\n");
});

Deno.test("stream --log json writes JSON lines only, also about a wrong line", async () => {
  const wrong = [["serve", "--log", "json", "--prot", "1"], ["serve", "--log=json", "--port", "x"]];
  for (const args of wrong) {
    const { code, stderr } = await run(args);
    const [line, ...more] = jsonLines(stderr);
    assertEquals([code, line!.level, line!.code, more], [2, "error", "usage", []]);
    assertMatch(String(line!.message), /^Cannot run "stream serve": /);
  }
  const named = await run(["watch", "nonsense"], { env: { STREAM_LOG: "json" } });
  assertEquals(jsonLines(named.stderr).map(({ level }) => level), ["error"]);
});

Deno.test("stream serve, publish and watch write JSON lines and nothing to standard output", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--log", "json"]);
  const address = jsonLines(relay.process.stderr)[0]!.address;
  assertEquals(address, relay.http);
  const env = { STREAM_LOG: "json", STREAM_URL: relay.url() };
  await using watch = start(["watch", "-o", "all.mjpeg"], { env, cwd: folder.path });
  await relay.watchedBy(watch);
  const published = await run(["publish"], { env, stdin: concat(...jpegs(2)) });
  const watched = await watch.outcome;
  relay.process.kill("SIGTERM");
  for (const outcome of [published, watched, await relay.process.outcome]) {
    assertEquals([outcome.code, outcome.stdout.length], [0, 0], outcome.stderr);
    for (const line of jsonLines(outcome.stderr)) {
      assertEquals([line.level, typeof line.message], ["info", "string"]);
    }
  }
  assertEquals(jsonLines(published.stderr).at(-1)!.frames, 2);
  assertEquals(jsonLines(watched.stderr).at(-1)!.output, "all.mjpeg");
});

/** The lines of a log, each a JSON object with the time. */
function jsonLines(text: string): Record<string, unknown>[] {
  assertEquals(text.at(-1), "\n");
  return text.trimEnd().split("\n").map((line) => {
    const fields = JSON.parse(line);
    assertMatch(fields.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    return fields;
  });
}

/** Input with faults in it, and what is said of them. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { EVERY_FRAME, run, start, startRelay } from "../program.ts";
import { concat, png } from "../split/samples.ts";
import { assertFailed } from "./assert_failed.ts";
import { jpegs, makeFolder } from "./folder.ts";
import { runHere } from "./run_here.ts";

interface Faulty {
  readonly what: string;
  readonly input: Uint8Array;
  readonly flags?: readonly string[];
  /** The whole frames, as files of a viewer. */
  readonly frames: readonly Uint8Array[];
  readonly damaged: number;
  /** What is warned of first. */
  readonly warning: RegExp;
}

const JPEGS = jpegs(3, 300);
const [ONE, TWO, THREE] = JPEGS as [Uint8Array, Uint8Array, Uint8Array];
/** Where the scan of an image begins. */
const SCAN = ONE.findIndex((byte, at) => byte === 0xff && ONE[at + 1] === 0xda);
const [LARGE] = jpegs(1, 5000) as [Uint8Array];
const Y4M = bytesOf("YUV4MPEG2 W4 H2 F25:1 Cmono\n");
const OTHER_Y4M = bytesOf("YUV4MPEG2 W2 H2 F25:1 Cmono\n");
const NUL = new Uint8Array(1);

const FAULTY: readonly Faulty[] = [
  {
    what: "junk between JPEG images",
    input: concat(ONE, bytesOf("junk"), TWO, new Uint8Array(70), THREE),
    frames: JPEGS,
    damaged: 2,
    warning: RegExp(`at byte ${ONE.length}: expected a JPEG image \\(ff d8\\), found 6a 75 6e 6b`),
  },
  {
    what: "a JPEG image that the next cuts off",
    input: concat(ONE, TWO.subarray(0, -30), THREE),
    frames: [ONE, THREE],
    damaged: 1,
    warning: RegExp(`at byte ${ONE.length + TWO.length - 30}: expected a JPEG marker`),
  },
  {
    what: "a JPEG image without a scan, and one whose segment the next completes",
    input: concat(ONE, TWO.subarray(0, SCAN), TWO.subarray(-2), TWO, ONE.subarray(0, SCAN), THREE),
    frames: JPEGS,
    damaged: 2,
    warning: /expected a scan in the JPEG image \(ff da\), found ff d9/,
  },
  {
    what: "the rest of an image in front",
    input: concat(TWO.subarray(90), ...JPEGS),
    frames: JPEGS,
    damaged: 1,
    warning: /at byte 0: expected a JPEG image/,
  },
  {
    what: "a frame over the limit",
    input: concat(ONE, LARGE, TWO),
    flags: ["--max-frame", "1kB"],
    frames: [ONE, TWO],
    damaged: 1,
    warning: RegExp(`left out a frame at byte ${ONE.length}: expected at most 1000 .*--max-frame`),
  },
  {
    what: "a NUL behind every PNG image",
    input: concat(png(), NUL, png({ width: 17 }), NUL),
    frames: [png(), png({ width: 17 })],
    damaged: 2,
    warning: /expected a PNG image .*, found 00/,
  },
  {
    what: "a Y4M header line again that says something else, and a FRAME line that is none",
    input: concat(
      Y4M,
      bytesOf("FRAME\n12345678"),
      OTHER_Y4M,
      bytesOf("FRAME\nabcdFRANE\nefghFRAME\nijkl"),
    ),
    frames: [
      concat(Y4M, bytesOf("FRAME\n12345678")),
      ...["abcd", "ijkl"].map((data) => concat(OTHER_Y4M, bytesOf(`FRAME\n${data}`))),
    ],
    damaged: 1,
    warning: /expected "FRAME" after the 4 bytes of the previous frame, found 46 52 41 4e/,
  },
];

for (const { what, input, flags = [], frames, damaged, warning } of FAULTY) {
  Deno.test(`stream publish goes on with ${what}, from a pipe as from a file`, async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    await Deno.writeFile(`${folder.path}/input`, input);
    for (const [name, source] of [["pipe", []], ["file", ["--input", "input"]]] as const) {
      await using watch = start(["watch", relay.url(), "-o", `${name}/`, ...EVERY_FRAME], {
        cwd: folder.path,
      });
      await relay.watchedBy(watch);
      const { code, stderr } = await run(["publish", relay.url(), ...source, ...flags], {
        cwd: folder.path,
        ...(name === "pipe" ? { stdin: input } : {}),
      });
      assertEquals(code, 0, stderr);
      const warnings = stderr.split("\n").filter((line) => line.startsWith("warn: left out"));
      assertMatch(warnings[0] ?? "", warning);
      assertMatch(
        stderr,
        RegExp(`published ${frames.length} frames, .*, ${damaged} damaged$`, "m"),
      );
      assertEquals((await watch.outcome).code, 0);
      assertEquals(await folder.files(name), [...frames]);
    }
  });
}

Deno.test("stream publish exits with 5 for input without a frame, however it goes on", async () => {
  await using relay = await startRelay();
  for (const format of ["auto", "mjpeg", "png", "y4m", "ivf", "mpjpeg"]) {
    const input = bytesOf("no video at all\n".repeat(100));
    const outcome = await runHere(["publish", relay.url(), "--format", format], { stdin: input });
    assertFailed(
      outcome,
      5,
      /^error: Cannot read frame 1 at byte 0: expected .*, found (the text "no video at all"; |6e 6f 20)/,
    );
  }
});

for (
  const [what, input, frames, expected] of [
    ["JPEG image", concat(ONE, TWO, THREE.subarray(0, -1)), 2, "a whole JPEG image"],
    ["JPEG image behind junk", concat(ONE, NUL, TWO, THREE.subarray(0, -1)), 2, "a whole JPEG"],
    ["PNG image", concat(png(), png({ width: 17 }).subarray(0, -5)), 1, "a whole PNG image"],
    ["Y4M frame", concat(Y4M, bytesOf("FRAME\n12345678FRAME\n123")), 1, '"FRAME" and 8 bytes'],
  ] as const
) {
  Deno.test(`stream publish exits with 5 once all is sent where the last ${what} is cut off`, async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "source"]);
    await Deno.writeFile(`${folder.path}/input`, input);
    for (const source of [[], ["--input", `${folder.path}/input`]]) {
      const outcome = await run(["publish", relay.url(), ...source], {
        ...(source.length === 0 ? { stdin: input } : {}),
      });
      const why = RegExp(
        `^error: Cannot read frame ${
          frames + 1
        } at byte ${input.length}: expected ${expected}.*, ` +
          "found the end of the input after \\d+ bytes; let the program that writes the input finish it",
        "m",
      );
      assertEquals(outcome.code, 5, outcome.stderr);
      assertMatch(outcome.stderr, why);
      assertMatch(outcome.stderr, RegExp(`^published ${frames} frames?, `, "m"));
    }
  });
}

Deno.test("stream publish exits with 5 for a last raw frame that is cut off", async () => {
  await using relay = await startRelay();
  const flags = ["--size", "4x2", "--pixel-format", "gray"];
  const outcome = await run(["publish", relay.url(), ...flags], { stdin: bytesOf("12345678xyz") });
  assertFailed(outcome, 5, /frame 2 at byte 11: expected a frame of 8 bytes/);
});

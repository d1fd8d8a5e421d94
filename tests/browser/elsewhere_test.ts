/** What a stream's page tells to copy: the very lines are run by the programs that they are for. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ffmpeg, has, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { readFile } from "../media/files.ts";
import { startRelay, until } from "../server/fixture.ts";
import { eventually, soon } from "../waiting.ts";
import { Browser, NO_CHROMIUM, type OpenPage } from "./browser.ts";
import { CodedPattern } from "./publishing.ts";

const FRAMES = 45;
/** A name that is not this computer: a page from there is not secure. */
const INSECURE_HOST = "relay.test";
const NO_MPV = await has("mpv", "--version") ? undefined : "mpv is not installed";
const NO_CURL = await has("curl", "--version") ? undefined : "curl is not installed";
const NO_GSTREAMER = await has("gst-launch-1.0", "--version")
  ? undefined
  : "GStreamer is not installed";
const NO_VLC = await has("sh", "-c", "command -v vlc") ? undefined : "VLC is not installed";
/**
 * A shell in which `vlc` writes the pictures to `shown.y4m` instead of a screen, of which there is none
 * here. VLC refuses to be run by root.
 */
const WITH_VLC = `
[ "$(id -u)" = 0 ] && other="setpriv --reuid=65534 --regid=65534 --clear-groups"
vlc() {
  HOME=$PWD TMPDIR=$PWD $other vlc -q -I dummy --no-audio -V yuv --yuv-file=shown.y4m --yuv-yuv4mpeg2 "$@"
}
eval "$0"
`;
const python = Deno.env.get("OPENCV_PYTHON") ?? "python3";
const NO_OPENCV = await has(python, "-c", "import cv2")
  ? undefined
  : "OpenCV is not installed; OPENCV_PYTHON names a Python that has it";

/** The dialog's text for `tool`. */
async function lineFor(page: OpenPage, side: "watch" | "publish", tool: string): Promise<string> {
  await page.keyboard.press(side[0]!);
  const recipe = page.locator(`#elsewhere-${side} .recipe[data-tool="${tool}"] code`);
  await recipe.waitFor();
  const text = await recipe.textContent();
  await page.keyboard.press("Escape");
  assert(text !== null && text !== "");
  return text;
}

/** What somebody has pasted into a shell, or into Python, and runs. */
class Pasted {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;
  readonly #text: string;

  constructor(text: string, folder: string, [program, ...args]: readonly string[]) {
    this.#text = text;
    // In a process group of its own, so that all of a pipeline can be ended.
    this.#child = new Deno.Command("setsid", {
      args: [program!, ...args, text],
      cwd: folder,
      env: { MPV_HOME: folder },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = this.#child.output();
  }

  /** Waits until it ends by itself, and returns what it has said. */
  async end(): Promise<{ readonly out: string; readonly said: string }> {
    const { stdout, stderr } = await soon(this.#text, this.#output);
    const text = new TextDecoder();
    return { out: text.decode(stdout), said: text.decode(stderr) };
  }

  /** Ctrl+C, and waits for its end. */
  async interrupt(): Promise<void> {
    Deno.kill(-this.#child.pid, "SIGINT");
    await this.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#output;
  }
}

/** A folder with `video.mp4` in it, as the lines for publishing want it. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await ffmpeg([
      ...["-f", "lavfi", "-i", "testsrc2=size=192x108:rate=30", "-frames:v", String(FRAMES)],
      ...["-c:v", "libx264", "-preset", "ultrafast", `${folder}/video.mp4`],
    ]);
    // Whoever VLC is run as writes there, too.
    await Deno.chmod(folder, 0o777);
    await Deno.writeTextFile(`${folder}/mpv.conf`, "vo=null\nao=null\nframes=20\n");
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const tool of ["ffmpeg, a file", "curl"]) {
  Deno.test({
    ...needs(
      NO_FFMPEG ?? NO_CHROMIUM ?? NO_CURL,
      `The page's line for publishing with ${tool} publishes every frame`,
    ),
    fn: () =>
      withFolder(async (folder) => {
        await using relay = await startRelay();
        await using browser = await Browser.start();
        await using page = await browser.open({ url: `${relay.address}/cam` });
        const line = await lineFor(page, "publish", tool);
        await using pasted = new Pasted(line, folder, ["sh", "-c"]);
        const { said } = await pasted.end();
        const { received } = await until(relay, ({ received }) => received.frames > 0, "cam");
        assertEquals(received.frames, FRAMES, said);
        assertEquals(page.errors, []);
      }),
  });
}

Deno.test({
  ...needs(
    NO_FFMPEG ?? NO_CHROMIUM ?? NO_CURL ?? NO_GSTREAMER,
    "The page's line for publishing with GStreamer publishes",
  ),
  fn: () =>
    withFolder(async (folder) => {
      await using relay = await startRelay();
      await using browser = await Browser.start();
      await using page = await browser.open({ url: `${relay.address}/cam` });
      const line = await lineFor(page, "publish", "GStreamer");
      await using _pasted = new Pasted(line, folder, ["sh", "-c"]);
      await until(relay, ({ received }) => received.frames > FRAMES, "cam");
    }),
});

/** What a line for watching is tried with. */
interface Watching {
  /** @default {["sh", "-c"]} */
  readonly command?: readonly string[];
  readonly check: (
    folder: string,
    pasted: Pasted,
    untilMoreFrames: () => Promise<void>,
  ) => Promise<void>;
}

/** Watches a stream of H.264 by the page's line for `tool`. */
async function watched(tool: string, { command = ["sh", "-c"], check }: Watching): Promise<void> {
  await withFolder(async (folder) => {
    await using relay = await startRelay();
    await using browser = await Browser.start();
    const url = relay.url("/cam");
    await using _publisher = new CodedPattern(url, { width: 192, height: 108, gop: 30 });
    await until(relay, ({ received }) => received.frames > 0, "cam");
    await using page = await browser.open({ url: url.replace("ws:", "http:") });
    // What fits is known once the relay has answered the page.
    await page.keyboard.press("w");
    await page.getByText("No frame has come yet").waitFor({ state: "hidden" });
    await page.keyboard.press("Escape");
    const line = await lineFor(page, "watch", tool);
    await using pasted = new Pasted(line, folder, command);
    await check(folder, pasted, async () => {
      const { received: before } = await until(relay, () => true, "cam");
      await until(relay, ({ received }) => received.frames > before.frames + 60, "cam");
    });
    assertEquals(page.errors, []);
  });
}

/** That `recording.mkv` comes to be a film, where somebody presses Ctrl+C after a while. */
async function checkRecording(
  folder: string,
  pasted: Pasted,
  untilMoreFrames: () => Promise<void>,
): Promise<void> {
  const path = `${folder}/recording.mkv`;
  await eventually("the recording", () => Deno.stat(path).then(() => true, () => false));
  await untilMoreFrames();
  await pasted.interrupt();
  const { frames } = await readFile(path);
  assert(frames.length > 0);
  assertEquals(frames[0]!.kind, "key");
}

Deno.test({
  ...needs(NO_FFMPEG ?? NO_CHROMIUM, "The page's line for watching with ffmpeg records"),
  fn: () => watched("ffmpeg", { check: checkRecording }),
});

Deno.test({
  ...needs(NO_FFMPEG ?? NO_CHROMIUM ?? NO_CURL, "The page's line for watching with curl records"),
  fn: () => watched("curl", { check: checkRecording }),
});

Deno.test({
  ...needs(NO_FFMPEG ?? NO_CHROMIUM ?? NO_MPV, "The page's line for watching with mpv plays"),
  fn: () =>
    watched("mpv", {
      check: async (_folder, pasted) => {
        const { out, said } = await pasted.end();
        assertMatch(out, /Video .*\(h264 192x108/, said);
        assertMatch(out, /Exiting\.\.\. \(End of file\)/, said);
      },
    }),
});

Deno.test({
  ...needs(NO_FFMPEG ?? NO_CHROMIUM ?? NO_VLC, "The page's line for watching with VLC plays"),
  fn: () =>
    watched("VLC", {
      command: ["sh", "-c", WITH_VLC],
      check: async (folder, pasted) => {
        const path = `${folder}/shown.y4m`;
        const pictureBytes = "FRAME\n".length + 192 * 108 * 1.5;
        await eventually("20 pictures", async () => {
          const { size } = await Deno.stat(path).catch(() => ({ size: 0 }));
          return size > 21 * pictureBytes;
        });
        await pasted.interrupt();
        const film = await Deno.readFile(path);
        const start = film.indexOf(0x0a) + 1;
        assertMatch(new TextDecoder().decode(film.subarray(0, start)), /^YUV4MPEG2 W192 H108 /);
        const pictures = Array.from({ length: 20 }, (_, index) => {
          const at = start + index * pictureBytes;
          return film.subarray(at, at + pictureBytes).join();
        });
        assert(new Set(pictures).size >= 10, "the pictures go on");
      },
    }),
});

Deno.test({
  ...needs(NO_FFMPEG ?? NO_CHROMIUM, "The page's lines for OpenCV read pictures"),
  // Not in the system's packages, so that the gate may be without it.
  ...NO_OPENCV === undefined
    ? {}
    : { name: `The page's lines for OpenCV read pictures (skipped: ${NO_OPENCV})`, ignore: true },
  fn: () =>
    watched("OpenCV", {
      // What it prints is read while it runs; head ends it.
      command: ["sh", "-c", `${python} -u -c "$0" | head -n 20`],
      check: async (_folder, pasted) => {
        const { out, said } = await pasted.end();
        assertEquals(out, "(108, 192, 3)\n".repeat(20), said);
      },
    }),
});

Deno.test({
  ...needs(NO_CHROMIUM, "The page copies a line out of its dialog, also where it is not secure"),
  fn: async () => {
    await using relay = await startRelay({ hostNames: [INSECURE_HOST] });
    await using browser = await Browser.start({
      args: [`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
    });
    const { port } = new URL(relay.address);
    // A page that is not secure may not read the clipboard.
    await using reader = await browser.open({ url: relay.address });
    for (const host of ["127.0.0.1", INSECURE_HOST]) {
      await using page = await browser.open({ url: `http://${host}:${port}/cam` });
      assertEquals(await page.evaluate(() => isSecureContext), host === "127.0.0.1");
      const line = await lineFor(page, "watch", "mpv");
      assertMatch(line, new RegExp(`http://${host}:${port}/cam\\.mkv$`));
      await page.keyboard.press("w");
      const recipe = page.locator('#elsewhere-watch .recipe[data-tool="mpv"]');
      await recipe.getByRole("button").click();
      await recipe.getByText("Copied").waitFor();
      await reader.bringToFront();
      assertEquals(await reader.evaluate(() => navigator.clipboard.readText()), line);
      assertEquals(page.errors, []);
    }
  },
});

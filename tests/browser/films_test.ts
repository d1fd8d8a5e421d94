/** Films as their file has them shown: turned, and with pixels that are not square. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { start, startRelay } from "../program.ts";
import { Browser, NO_CHROMIUM } from "./browser.ts";

/** How long the relay may run, in milliseconds. */
const HANGS_MS = 300_000;

/** Where the matrix stands behind the name of a track header, ISO/IEC 14496-12 8.3.2. */
const MATRIX_AT = 44;

/**
 * A film of two seconds whose left half is red and whose right half is blue, 96x64; `turn` is by how
 * many degrees clockwise it is to be shown.
 */
async function makeFilm(path: string, aspect: string, turn: number): Promise<void> {
  const halves = "color=red:s=48x64:r=25:d=2[a];color=blue:s=48x64:r=25:d=2[b];[a][b]hstack";
  const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
  await ffmpeg(["-f", "lavfi", "-i", `${halves},setsar=${aspect}`, ...x264, path]);
  const film = await Deno.readFile(path);
  const at = MATRIX_AT + new TextDecoder("latin1").decode(film).indexOf("tkhd");
  const [cosine, sine] = [[1, 0], [0, 1], [-1, 0], [0, -1]][turn / 90]!;
  const view = new DataView(film.buffer);
  for (const [index, value] of [cosine!, sine!, 0, -sine!, cosine!].entries()) {
    view.setInt32(at + 4 * index, value * 0x10000);
  }
  await Deno.writeFile(path, film);
}

Deno.test(
  needs(NO_CHROMIUM ?? NO_FFMPEG, "the player turns and stretches a film as its file says"),
  async (t) => {
    const folder = await Deno.makeTempDir({ prefix: "stream_test_" });
    try {
      await using relay = await startRelay(["--fps", "source"], { hangsMs: HANGS_MS });
      await using browser = await Browser.start();
      await using page = await browser.open();
      for (
        const [name, aspect, turn, size, ends] of [
          ["plain", "1", 0, [96, 64], ["red", "blue", "red", "blue"]],
          ["wide", "2", 0, [192, 64], ["red", "blue", "red", "blue"]],
          ["turned", "2", 90, [64, 192], ["red", "red", "blue", "blue"]],
          ["turned back", "1", 270, [64, 96], ["blue", "blue", "red", "red"]],
          ["on its head", "1", 180, [96, 64], ["blue", "red", "blue", "red"]],
        ] as const
      ) {
        await t.step(name, async () => {
          const film = `${folder}/${name}.mp4`;
          await makeFilm(film, aspect, turn);
          const url = relay.url(name.replaceAll(" ", "-"));
          await using publish = start(["publish", url, "--input", film, "--loop"]);
          await page.goto(url.replace("ws:", "http:"));
          const wanted = { size, ends };
          await page.waitForFunction(({ size, ends }) => {
            const canvas = document.querySelector("stream-player")!.shadowRoot!.querySelector(
              "canvas",
            )!;
            if (canvas.width !== size[0] || canvas.height !== size[1]) return false;
            const context = canvas.getContext("2d")!;
            const [right, bottom] = [size[0] - 5, size[1] - 5];
            return [[4, 4], [right, 4], [4, bottom], [right, bottom]].every(([x, y], index) => {
              const [red = 0, , blue = 0] = context.getImageData(x!, y!, 1, 1).data;
              return (red > blue ? "red" : "blue") === ends[index];
            });
          }, wanted);
          publish.kill("SIGTERM");
          assertEquals((await publish.outcome).code, 0);
          assertEquals(page.errors, []);
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

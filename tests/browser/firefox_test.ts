/** The pages in Firefox: its WebSocket, its decoders, its `<img>` and its `<video>`. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { publish } from "../../src/client/publish.ts";
import type { MediaFrame } from "../../src/media/media_reader.ts";
import { encoder, type VideoFormat } from "../e2e/videos.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { readFile } from "../media/files.ts";
import { openHere, startRelay, until } from "../server/fixture.ts";
import { Firefox, type FoxPage, NO_FIREFOX } from "./firefox.ts";

const RATE = 30;
/** Frames of a film. */
const FRAMES = 60;
/** Frames from one key frame to the next: tiles show key frames only, which must differ. */
const GOP = 4;
/** So many pictures that differ are a picture that moves. */
const MOVING = 5;
/** A name that is not this computer: a page from there is not secure, so that it has no WebCodecs. */
const INSECURE_HOST = "relay.test";
const FORMATS = ["mjpeg", "h264", "vp9"] as const;

/** A film in which each picture differs. */
async function film(format: VideoFormat | "mjpeg"): Promise<readonly MediaFrame[]> {
  const path = await Deno.makeTempFile({ suffix: ".mkv" });
  try {
    const picture = ["-f", "lavfi", "-i", `testsrc2=size=192x108:rate=${RATE}`];
    const count = ["-frames:v", String(FRAMES), "-g", String(GOP), "-threads", "1"];
    const coder = format === "mjpeg"
      ? ["-c:v", "mjpeg"]
      : encoder({ format, frames: FRAMES, gop: GOP });
    await ffmpeg([...picture, ...coder, ...count, path]);
    return (await readFile(path)).frames;
  } finally {
    await Deno.remove(path);
  }
}

/** Publishes a film at its rate, over and over. */
function loop(url: string, frames: readonly MediaFrame[]): AsyncDisposable {
  const publisher = publish(url);
  let number = 0;
  const timer = setInterval(() => {
    const { data, kind, config, ptsUs, leading = false } = frames[number % FRAMES]!;
    const shiftUs = Math.floor(number++ / FRAMES) * FRAMES * Math.round(1e6 / RATE);
    publisher.send(data, { kind, config, leading, ptsUs: ptsUs! + shiftUs }).catch(() => {});
  }, 1000 / RATE);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await publisher[Symbol.asyncDispose]();
    },
  };
}

/** Waits until `count` canvases of a page have each shown {@linkcode MOVING} pictures. */
async function untilMoving(page: FoxPage, count: number): Promise<void> {
  await page.evaluate(async ({ count, moving }) => {
    const seen = new Map<Element, Set<number>>();
    const look = (canvas: HTMLCanvasElement) => {
      const { width, height } = canvas;
      if (width < 64 || height < 36) return;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
      let [sum, most] = [0, 0];
      for (let at = 0; at < data.length; at += 12) {
        sum = (Math.imul(sum, 31) + data[at]!) | 0;
        most = Math.max(most, data[at]!);
      }
      // What has been drawn is bright somewhere.
      if (most >= 40) seen.set(canvas, (seen.get(canvas) ?? new Set()).add(sum));
    };
    const isReached = () =>
      seen.size === count && [...seen.values()].every(({ size }) => size >= moving);
    while (!isReached()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const player = document.querySelector("stream-player")?.shadowRoot;
      document.querySelectorAll<HTMLCanvasElement>(".picture canvas").forEach(look);
      player?.querySelectorAll("canvas").forEach(look);
    }
  }, { count, moving: MOVING });
}

/** Waits until a number on the page is not the same as before, `times` times. */
async function untilGrown(page: FoxPage, selector: string, times: number): Promise<void> {
  let before = "";
  for (let time = 0; time < times; time++) {
    const seen = await page.waitForFunction(
      (selector, before) => {
        const text = document.querySelector<HTMLElement>(selector)?.innerText ?? "";
        return /[1-9]/.test(text) && text !== before && text;
      },
      {},
      selector,
      before,
    );
    before = await seen.jsonValue() as string;
  }
}

Deno.test(
  needs(NO_FFMPEG ?? NO_FIREFOX, "Firefox shows all streams, and plays each"),
  async (t) => {
    await using relay = await startRelay({ hostNames: [INSECURE_HOST] });
    await using stack = new AsyncDisposableStack();
    for (const format of FORMATS) {
      stack.use(loop(relay.url(`/${format}`), await film(format)));
      await until(relay, ({ received }) => received.frames >= 1, format);
    }
    await using firefox = await Firefox.start({ "network.dns.localDomains": INSECURE_HOST });
    await using page = await firefox.open(relay.address);

    await t.step("the grid has a tile for each, and they move", async () => {
      await untilMoving(page, FORMATS.length);
      await untilGrown(page, "#total-sent", 3);
      assertEquals(page.errors, []);
    });

    for (const format of FORMATS) {
      await t.step(`the player plays ${format} by WebCodecs`, async () => {
        await page.goto(`${relay.address}/${format}`);
        assertEquals(await page.evaluate(() => [isSecureContext, typeof VideoDecoder]), [
          true,
          "function",
        ]);
        await untilMoving(page, 1);
        await page.keyboard.press("i");
        await untilGrown(page, "#n-fps", 2);
        assertEquals(page.errors, []);
      });
    }

    await t.step("a page that is not secure plays each, by Media Source", async () => {
      for (const format of FORMATS) {
        await page.goto(`http://${INSECURE_HOST}:${new URL(relay.address).port}/${format}`);
        assertEquals(await page.evaluate(() => [isSecureContext, typeof VideoDecoder]), [
          false,
          "undefined",
        ]);
        await untilMoving(page, 1);
      }
      assertEquals(page.errors, []);
    });

    await t.step(
      "<img> shows /mjpeg.mjpeg, and <video> plays /vp9.webm and /h264.mp4",
      async () => {
        // The relay's own pages load no films; any other page may.
        await using server = openHere(() =>
          new Response("<!DOCTYPE html>", { headers: { "content-type": "text/html" } })
        );
        await page.goto(server.url.replace("ws:", "http:"));
        await page.evaluate((address) => {
          const image = document.createElement("img");
          image.src = `${address}/mjpeg.mjpeg`;
          document.body.append(image);
          for (const path of ["vp9.webm", "h264.mp4"]) {
            const video = document.createElement("video");
            [video.src, video.muted, video.autoplay] = [`${address}/${path}`, true, true];
            document.body.append(video);
          }
        }, relay.address);
        await page.waitForFunction(() => {
          const [image, ...videos] = document.querySelectorAll<HTMLImageElement | HTMLVideoElement>(
            "img, video",
          );
          return (image as HTMLImageElement).naturalWidth === 192 && videos.every((element) => {
            const video = element as HTMLVideoElement;
            if (video.error !== null) throw new Error(video.error.message);
            return video.videoWidth === 192 &&
              video.currentTime > (video.buffered.length > 0 ? video.buffered.start(0) : 0) + 1;
          });
        });
        assertEquals(page.errors, []);
      },
    );
  },
);

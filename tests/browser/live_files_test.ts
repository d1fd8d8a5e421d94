/** Streams as files in a browser: `<video src>`, without a script of the relay's. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { publish } from "../../src/client/publish.ts";
import type { MediaFrame } from "../../src/media/media_reader.ts";
import { encoder, type VideoFormat } from "../e2e/videos.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { readFile } from "../media/files.ts";
import { openHere, startRelay, until } from "../server/fixture.ts";
import { Browser, NO_CHROMIUM } from "./browser.ts";

const FRAMES = 60;
const RATE = 30;

/** Frames of two seconds, of which only the first is a key frame. */
async function film(format: VideoFormat): Promise<readonly MediaFrame[]> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/film.mkv`;
    const picture = ["-f", "lavfi", "-i", `testsrc2=size=192x108:rate=${RATE}`];
    const count = ["-frames:v", String(FRAMES), "-g", String(FRAMES), "-threads", "1"];
    const coder = encoder({ format, frames: FRAMES, gop: FRAMES });
    await ffmpeg([...picture, ...coder, ...count, path]);
    return (await readFile(path)).frames;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (
  const [extension, format] of [["mp4", "h264"], ["mp4", "vp9"], ["webm", "vp9"], [
    "webm",
    "vp8",
  ]] as const
) {
  Deno.test({
    ...needs(
      NO_FFMPEG ?? NO_CHROMIUM,
      `A browser plays /cam.${extension} of ${format} in <video src>`,
    ),
    fn: async () => {
      const frames = await film(format);
      await using relay = await startRelay();
      await using publisher = publish(relay.url("/cam"));
      await using browser = await Browser.start();
      // The relay's own pages load no films; any other page may.
      await using server = openHere(() =>
        new Response("<!DOCTYPE html>", { headers: { "content-type": "text/html" } })
      );
      await using page = await browser.open({ url: server.url.replace("ws:", "http:") });
      let round = 0;
      const send = async () => {
        const shiftUs = round++ * FRAMES * Math.round(1e6 / RATE);
        for (const { data, kind, ptsUs, config } of frames) {
          await publisher.send(data, { kind, ptsUs: ptsUs! + shiftUs, config });
        }
      };
      await send();
      await until(relay, ({ received }) => received.frames === FRAMES, "cam");
      await page.evaluate((source: string) => {
        const video = document.createElement("video");
        [video.id, video.src, video.muted, video.autoplay] = ["video", source, true, true];
        document.body.append(video);
      }, `${relay.address}/cam.${extension}`);
      await until(relay, ({ viewers }) => viewers >= 1, "cam");
      for (let more = 0; more < 3; more++) await send();
      // Behind the first two seconds: it goes on over the next key frame.
      await page.waitForFunction(() => {
        const video = document.querySelector<HTMLVideoElement>("#video")!;
        return video.error !== null || video.currentTime > 3;
      });
      const seen = await page.evaluate(() => {
        const video = document.querySelector<HTMLVideoElement>("#video")!;
        const { videoWidth, videoHeight, error } = video;
        return { error: error?.message, size: [videoWidth, videoHeight] };
      });
      assertEquals(seen.error, undefined);
      assertEquals(seen.size, [192, 108]);
      assertEquals(page.errors, []);
    },
  });
}

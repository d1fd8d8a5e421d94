// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { encodeJpeg } from "../../src/picture/jpeg.ts";
import { needs } from "../ffmpeg.ts";
import { Client, startRelay } from "../server/fixture.ts";
import { Browser, NO_CHROMIUM } from "./browser.ts";

type Colour = readonly [red: number, green: number, blue: number];

const COLOURS: readonly Colour[] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
const SIDE = 16;

function plain(colour: Colour): Uint8Array<ArrayBuffer> {
  const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => colour[at % 3]!);
  return encodeJpeg({ data, width: SIDE, height: SIDE, channels: 3 });
}

Deno.test({
  ...needs(NO_CHROMIUM, "A browser shows the newest picture of motion JPEG before the next comes"),
  fn: async () => {
    await using relay = await startRelay();
    await using sender = await Client.open(relay.url("/cam?role=publish"));
    await using browser = await Browser.start();
    await using page = await browser.open({ url: `${relay.address}/other` });
    await page.evaluate(() => {
      const image = document.createElement("img");
      image.id = "motion";
      image.src = "/cam.mjpeg";
      document.body.append(image);
    });
    for (const colour of [...COLOURS, ...COLOURS]) {
      sender.send(plain(colour));
      // It fails by its patience where the picture waits for the one behind it.
      await page.waitForFunction((expected: Colour) => {
        const image = document.querySelector<HTMLImageElement>("#motion")!;
        if (image.naturalWidth === 0) return false;
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [1, 1];
        const context = canvas.getContext("2d")!;
        context.drawImage(image, 0, 0, 1, 1);
        const seen = context.getImageData(0, 0, 1, 1).data;
        return expected.every((value, at) => Math.abs(seen[at]! - value) < 9);
      }, colour);
    }
    assertEquals(page.errors, []);
  },
});

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { decode as decodePng } from "fast-png";
import { encodeJpeg } from "../../src/picture/jpeg.ts";
import { needs } from "../ffmpeg.ts";
import { eventually } from "../waiting.ts";
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

Deno.test({
  ...needs(NO_CHROMIUM, "A browser shows a picture and motion JPEG in a tab of their own"),
  fn: async () => {
    await using relay = await startRelay();
    await using sender = await Client.open(relay.url("/cam?role=publish"));
    await using browser = await Browser.start();
    sender.send(plain([0, 255, 0]));
    for (
      const [path, colour] of [["/cam.jpg", [0, 255, 0]], ["/cam.mjpeg", [255, 0, 0]]] as const
    ) {
      await using page = await browser.open();
      await page.goto(relay.address + path, { waitUntil: "commit" });
      sender.send(plain(colour));
      await eventually(`${path} to be ${colour}`, async () => {
        const { data, width, channels } = decodePng(await page.screenshot());
        for (let at = 0; at < data.length; at += channels) {
          const isThere = colour.every((value, index) => Math.abs(data[at + index]! - value) < 9);
          if (isThere && width > 0) return true;
        }
        return false;
      });
    }
  },
});

/** A certificate is replaced while a relay is at work, and what is lost by that is counted. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { publish, type PublishEvent, watch } from "../../src/client/mod.ts";
import { systemClock } from "../../src/host/clock.ts";
import { serve } from "../../src/server/serve.ts";
import { eventually, soon } from "../waiting.ts";
import { DEFAULTS, frameOf, numberOf } from "./fixture.ts";
import { certificate, CertificateFolder, get } from "./tls.ts";

const FRAME_BYTES = 20_000;

interface Case {
  readonly listener: "node" | "deno";
  readonly workers: number;
}

const CASES: readonly Case[] = [
  { listener: "node", workers: 1 },
  ...Deno.build.os === "linux" ? [{ listener: "node", workers: 2 } as const] : [],
  { listener: "deno", workers: 1 },
];

for (const { listener, workers } of CASES) {
  Deno.test(`By TLS, ${listener} takes up another certificate under load, and a lossless publisher loses nothing (${workers} threads)`, async () => {
    const [one, other] = [await certificate(), await certificate()];
    await using files = await CertificateFolder.make(one);
    const said: string[] = [];
    const log = (message: string) => void said.push(message);
    await using relay = await serve({ ...DEFAULTS, tls: files, listener, workers }, {
      clock: systemClock,
      log: { info: log, warn: log, error: log, progress: () => {} },
      signal: new AbortController().signal,
    });
    const url = `${relay.address.replace("https:", "wss:")}/cam`;
    const ca = [one.cert, other.cert];
    const lost: (PublishEvent & { type: "lost" })[] = [];
    await using out = publish(url, {
      ca,
      format: "mjpeg",
      live: false,
      onEvent: (event) => void (event.type === "lost" && lost.push(event)),
    });
    let sent = 0;
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) {
        await out.send(frameOf(sent++, FRAME_BYTES));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    let viewersLost = 0;
    const numbers: number[][] = [];
    const places = new Set<number>();
    const viewers = Array.from({ length: 3 }, () => {
      const got: number[] = [];
      numbers.push(got);
      const viewer = watch(url, {
        ca,
        follow: true,
        maxDelayMs: 30_000,
        onEvent: ({ type }) => void (type === "lost" && viewersLost++),
      });
      const watching = (async () => {
        for await (const { data, sequence } of viewer) {
          got.push(numberOf(data));
          places.add(sequence - numberOf(data));
        }
      })();
      return { viewer, watching };
    });
    await eventually("the first frames", () => numbers.every((got) => got.length > 10));

    // Half a certificate, for as long as it takes to be told of; then a key that comes later.
    await Deno.writeTextFile(files.certFile, other.cert.slice(0, 300));
    await eventually("it is told of", () => said.some((line) => /before stays in use/.test(line)));
    await Deno.writeTextFile(files.certFile, other.cert);
    // More than one look, and not as many as it takes to be told of.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assertEquals([lost.length, viewersLost], [0, 0]);
    await Deno.writeTextFile(files.keyFile, other.key);
    await eventually("it is taken up", () => said.some((line) => /took up/.test(line)));
    const health = () => get(`${relay.address}/health`, other.cert).then(() => true, () => false);
    await eventually("it is shown", health);
    assertEquals(said.filter((line) => /stays in use/.test(line)).length, 1, said.join("\n"));
    const before = numbers.map((got) => got.length);
    await eventually(
      "frames go on",
      () => numbers.every((got, index) => got.length > before[index]! + 20),
    );
    isOver = true;
    await publishing;
    await soon("all frames to be taken", out.end());
    const { frames, dropped, notDelivered } = out.stats();
    assertEquals([frames, dropped, notDelivered], [sent, 0, 0]);
    await eventually("the last frame", () => numbers.every((got) => got.at(-1) === sent - 1));
    for (const { viewer } of viewers) await viewer.close();
    await soon("the viewers' ends", Promise.all(viewers.map(({ watching }) => watching)));
    if (listener === "node") {
      assertEquals([lost, viewersLost], [[], 0]);
      // The relay has counted each frame once: whoever is slower than others may have skipped some.
      assertEquals(places, new Set([1]));
    } else {
      // It takes less than a second with the first tries, however slow the machine is at them.
      const waitsMs = lost.reduce((sum, { retryMs }) => sum + retryMs, 0);
      assert(lost.length > 0 && waitsMs <= 1000, JSON.stringify(lost));
    }
  });
}

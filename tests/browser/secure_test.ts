/** The page of a relay with a certificate of its own. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { makeFolder } from "../cli/folder.ts";
import { serveIn } from "../e2e/self_signed.ts";
import { makeVideo } from "../e2e/videos.ts";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { start } from "../program.ts";
import { Browser, NO_CHROMIUM, untilLive } from "./browser.ts";

/** A name that browsers take for no secure one by itself, as they do `localhost`. */
const NAME = "relay.test";

/** What Chromium knows a certificate by that it is to let pass (`--ignore-certificate-errors-spki-list`). */
async function keyHash(certFile: string): Promise<string> {
  const { publicKey } = new X509Certificate(await Deno.readTextFile(certFile));
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", spki)).toBase64();
}

Deno.test(
  needs(
    NO_CHROMIUM ?? NO_FFMPEG,
    "a page with the relay's own certificate is secure, and plays video, once it is let pass",
  ),
  async () => {
    await using folder = await makeFolder();
    await using relay = await serveIn(folder, "--host-name", NAME, "--fps", "source");
    const { port, certFile } = relay;
    const url = `wss://127.0.0.1:${port}/cam`;
    await using publish = start(["publish", url, "--ca", certFile, "--format", "h264"], {
      stdin: "piped",
    });
    await publish.write(
      await makeVideo({ format: "h264", size: "320x180", frames: 30, gop: 10 }),
    );
    const toHere = `--host-resolver-rules=MAP ${NAME} 127.0.0.1`;
    const address = `https://${NAME}:${port}/cam`;

    await using stranger = await Browser.start({ args: [toHere] });
    await assertRejects(() => stranger.open({ url: address }), Error, "ERR_CERT_AUTHORITY_INVALID");

    await using browser = await Browser.start({
      args: [toHere, `--ignore-certificate-errors-spki-list=${await keyHash(certFile)}`],
    });
    await using page = await browser.open({ url: address });
    await untilLive(page);
    const seen = await page.evaluate(() => [
      isSecureContext,
      typeof VideoDecoder,
      document.querySelector("stream-player")?.shadowRoot?.querySelector("canvas")?.width,
    ]);
    assertEquals(seen, [true, "function", 320]);
    assertEquals(page.errors, []);
  },
);

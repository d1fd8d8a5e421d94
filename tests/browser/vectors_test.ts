/** The protocol's vectors, read in a browser by the modules that the relay serves. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import vectors from "../../src/wire/vectors.json" with { type: "json" };
import { needs } from "../ffmpeg.ts";
import { startRelay } from "../server/fixture.ts";
import { Browser, NO_CHROMIUM } from "./browser.ts";

Deno.test({
  ...needs(NO_CHROMIUM, "A browser reads the protocol's vectors by the modules that pages import"),
  fn: async () => {
    await using relay = await startRelay();
    await using browser = await Browser.start();
    await using page = await browser.open({ url: `${relay.address}/vectors` });
    const { frames, control: { server }, acknowledgements } = vectors;
    const wanted = {
      frames: frames.valid.map(({ header, data }) => ({ header, data })),
      brokenFrames: frames.invalid.map(({ closeCode }) => closeCode),
      messages: server.valid.map(({ message }) => message),
      brokenMessages: server.invalid.map(({ closeCode }) => closeCode),
      acknowledgements: acknowledgements.map(({ steps }) => steps.map(({ ack }) => ack ?? null)),
    };
    const given = {
      frames: frames.valid.map(({ hex }) => hex),
      brokenFrames: frames.invalid.map(({ hex }) => hex),
      messages: server.valid.map(({ text }) => text),
      brokenMessages: server.invalid.map((vector) =>
        vector.text.padEnd("padTo" in vector ? Number(vector.padTo) : 0, " ")
      ),
      acknowledgements,
    };
    const found = await page.evaluate(async (given) => {
      // Not known to the type checker: they are at the relay.
      const at = "/assets/wire/";
      const { decodeFrameMessage } = await import(`${at}frame_message.ts`);
      const { decodeServerMessage } = await import(`${at}control_message.ts`);
      const { Acknowledgement } = await import(`${at}acknowledgement.ts`);
      const bytes = (hex: string) =>
        Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
      const closeCode = (read: () => unknown) => {
        try {
          return void read();
        } catch (error) {
          return (error as { closeCode?: number }).closeCode;
        }
      };
      return {
        frames: given.frames.map((hex) => {
          const { header, data } = decodeFrameMessage(bytes(hex));
          const digits = Array.from(
            data as Uint8Array,
            (byte) => byte.toString(16).padStart(2, "0"),
          );
          return { header, data: digits.join("") };
        }),
        brokenFrames: given.brokenFrames.map((hex) =>
          closeCode(() => decodeFrameMessage(bytes(hex)))
        ),
        messages: given.messages.map((text) => decodeServerMessage(text)),
        brokenMessages: given.brokenMessages.map((text) =>
          closeCode(() => decodeServerMessage(text))
        ),
        acknowledgements: given.acknowledgements.map(({ maxDelayMs, steps }) => {
          const acknowledgement = new Acknowledgement(maxDelayMs);
          return steps.map(({ atMs, frame }) =>
            (frame === undefined
              ? acknowledgement.due(atMs)
              : acknowledgement.received(frame, atMs)) ?? null
          );
        }),
      };
    }, given);
    assertEquals(found as unknown, wanted);
    assertEquals(page.errors, []);
  },
});

/** Keys of tokens are turned over while a relay is at work, and nobody who is entitled loses a frame. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { openTokenFiles } from "../../src/access/token_files.ts";
import { newKey, signToken } from "../../src/access/token_maker.ts";
import { publish, watch } from "../../src/client/mod.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { serve } from "../../src/server/serve.ts";
import { eventually, soon } from "../waiting.ts";
import { Client, DEFAULTS } from "./fixture.ts";

/** Bytes of a frame: enough that many are under way. */
const FRAME_BYTES = 20_000;

/** A JPEG without a picture, which says its number in a comment. */
function jpegOf(number: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_BYTES);
  frame.set([0xff, 0xd8, 0xff, 0xfe]);
  new DataView(frame.buffer).setUint16(4, FRAME_BYTES - 6);
  new DataView(frame.buffer).setUint32(6, number);
  frame.set([0xff, 0xd9], FRAME_BYTES - 2);
  return frame;
}

function numberIn(frame: Uint8Array<ArrayBuffer>): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(6);
}

/** A file of keys, and what tells how it is turned over. */
async function keyFile() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/keys.json`;
  const [one, other] = await Promise.all([newKey(), newKey()]);
  const tokenOf = async (key: string, claims: Record<string, readonly string[]>) =>
    (await signToken(key, claims, { nowMs: Date.now() })).token;
  const jwks = (...keys: string[]) => JSON.stringify({ keys: keys.map((key) => JSON.parse(key)) });
  return {
    path,
    folder,
    one,
    other,
    tokenOf,
    jwks,
    /** Puts another text in its place at once. */
    async swap(text: string) {
      await Deno.writeTextFile(`${path}.new`, text);
      await Deno.rename(`${path}.new`, path);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** A client of the library that goes on with whatever token there is by then. */
type Held = { token: string };
const withToken = (held: Held) => ({ authorization: () => `Bearer ${held.token}` });

/** Reads motion JPEG, and counts what has come. */
async function motion(http: string, token: string) {
  const { body, status } = await fetch(`${http}/cam.mjpeg`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assertEquals(status, 200);
  const reader = body!.getReader();
  const seen = { bytes: 0, isOver: false };
  const end = (async () => {
    try {
      for (let part; !(part = await reader.read()).done;) seen.bytes += part.value.length;
    } catch {
      // Broken off.
    }
    seen.isOver = true;
  })();
  return { seen, end, cancel: () => reader.cancel() };
}

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  Deno.test(`serve turns a key over under load, and nobody who is entitled notices (${workers} threads)`, async () => {
    await using keys = await keyFile();
    const { one, other, tokenOf, jwks } = keys;
    await keys.swap(jwks(one));
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    using filed = await openTokenFiles(
      { keys: keys.path },
      { ...silentLog, info: say, error: say },
      { lookMs: 50 },
    );
    await using relay = await serve({ ...DEFAULTS, workers }, {
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
      access: filed.access,
    });
    const url = (path: string) => `${relay.address.replace("http:", "ws:")}${path}`;
    const changed = (count: number) =>
      eventually(
        `change ${count} of the keys`,
        () => said.filter((line) => line.endsWith("it has changed")).length === count,
      );

    // Everybody begins with a token of the first key.
    const stale = await tokenOf(one, { watch: ["cam"] });
    const publisher: Held = { token: await tokenOf(one, { publish: ["cam"] }) };
    const viewer: Held = { token: stale };
    let lost = 0;
    const out = publish(url("/cam"), {
      ...withToken(publisher),
      format: "mjpeg",
      live: false,
      onEvent: ({ type }) => void (type === "lost" && lost++),
    });
    let sent = 0;
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) {
        await out.send(jpegOf(sent++));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await out.end();
    })();
    const goesOn = async (what: string) => {
      const before = sent;
      await eventually(`frames ${what}`, () => sent > before + 20);
    };
    await goesOn("at first");
    const leftOut = await Client.open(url(`/cam?role=watch&token=${stale}`));
    await leftOut.frame();
    const leftOutMotion = await motion(relay.address, stale);
    await using returning = watch(url("/cam"), { ...withToken(viewer), follow: true });
    const returned = Promise.withResolvers<void>();
    let wasAway = false;
    const watching = (async () => {
      for await (const _ of returning) if (wasAway) returned.resolve();
    })();

    // The second key comes beside it, and those who have a token of it notice nothing from here on.
    await keys.swap(jwks(one, other));
    await changed(1);
    const fresh = await tokenOf(other, { watch: ["cam"] });
    const entitled = await Client.open(url(`/cam?role=watch&token=${fresh}`));
    await using speaking = await Client.open(url("/cam"), ["stream.v1", `bearer.${fresh}`]);
    speaking.send(
      JSON.stringify({ type: "hello", version: 1, role: "watch", maxDelayMs: 60_000 }),
    );
    await speaking.control("welcome");
    const kept = await motion(relay.address, fresh);
    const numbers: number[] = [];
    const places: number[] = [];
    await using lossless = watch(url("/cam"), {
      ...withToken({ token: fresh }),
      maxDelayMs: 30_000,
    });
    const everything = (async () => {
      for await (const { data, sequence } of lossless) {
        numbers.push(numberIn(data));
        places.push(sequence - numberIn(data));
      }
    })();
    await eventually("the first frame", () => numbers.length > 0);

    // What happens to files.
    const both = await Deno.readTextFile(keys.path);
    await Deno.writeTextFile(keys.path, both.slice(0, 77));
    await eventually("the half file is told of", () => said.some((line) => /as JSON/.test(line)));
    await goesOn("with half a file");
    await Deno.writeTextFile(keys.path, both);
    await changed(2);
    await Deno.remove(keys.path);
    await eventually("the lost file is told of", () => said.some((line) => /No such/.test(line)));
    await goesOn("without a file");
    await Deno.writeTextFile(`${keys.folder}/elsewhere`, both);
    await Deno.symlink(`${keys.folder}/elsewhere`, keys.path);
    await eventually("the file is back", () => said.some((line) => /as it was/.test(line)));
    await goesOn("by a link");
    assertEquals(said.length, 5, said.join("\n"));
    assertEquals([lost, leftOut.isOpen, leftOutMotion.seen.isOver], [0, true, false]);

    // Those who can get a fresh token, and the first key goes, while it is asked for again and again.
    publisher.token = await tokenOf(other, { publish: ["cam"] });
    viewer.token = fresh;
    wasAway = true;
    await Deno.writeTextFile(`${keys.folder}/new`, jwks(other));
    await Deno.symlink(`${keys.folder}/new`, `${keys.path}.link`);
    const hangups = Array.from({ length: 5 }, () => filed.reload());
    await Deno.rename(`${keys.path}.link`, keys.path);
    await Promise.all([...hangups, filed.reload()]);
    await changed(3);
    const { code, reason } = await leftOut.closed;
    assertEquals(code, 4008);
    assertMatch(reason, /the token is wrong/);
    await soon("the end of the pictures", leftOutMotion.end);
    await soon("the viewer is back", returned.promise);
    const bytes = kept.seen.bytes;
    await goesOn("with the second key alone");
    await eventually("pictures still come", () => kept.seen.bytes > bytes);
    assert(entitled.isOpen && speaking.isOpen && !kept.seen.isOver, "who is entitled is there");

    isOver = true;
    await publishing;
    await soon("the last frame", everything);
    assertEquals(numbers.at(-1), sent - 1);
    assertEquals(lost, 1);
    // The relay has counted each frame once: whoever is slower than others may have skipped some.
    assertEquals(new Set(places), new Set([1]));
    const { frames, dropped, notDelivered } = out.stats();
    assertEquals([frames, dropped, notDelivered], [sent, 0, 0]);
    await using _gone = entitled;
    await kept.cancel().catch(() => {});
    await kept.end;
    await returning.close();
    await watching;
  });
}

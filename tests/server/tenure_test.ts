/** What somebody may do holds within a session: it ends (4008) when that is over. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Access, Decision, Ruling } from "../../src/access/access.ts";
import { readKeys } from "../../src/access/token_keys.ts";
import { SignedTokens } from "../../src/access/signed_tokens.ts";
import { newKey, signToken } from "../../src/access/token_maker.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { serve } from "../../src/server/serve.ts";
import { eventually, soon } from "../waiting.ts";
import { Client, DEFAULTS, frameOf } from "./fixture.ts";

async function scene(nowMs: () => number = Date.now) {
  const key = await newKey();
  const access = new SignedTokens(await readKeys(key, "check"), new Set(), nowMs);
  const relay = await serve(DEFAULTS, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
  return {
    access,
    relay,
    url: (path: string) => `${relay.address.replace("http:", "ws:")}${path}`,
    sign: (claims: Parameters<typeof signToken>[1], expiresMs?: number) =>
      signToken(key, claims, { nowMs: nowMs(), ...(expiresMs === undefined ? {} : { expiresMs }) }),
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xd9);

/** Somebody of every kind, with a token; and those who stay, with another. */
async function everybody(url: (path: string) => string, token: string, http: string) {
  const bearer = `bearer.${token}`;
  const publisher = await Client.open(url("/bare?role=publish"), [bearer]);
  publisher.send(JPEG);
  const viewer = await Client.open(url(`/bare?role=watch&token=${token}`));
  await viewer.frame();
  const both = await Client.open(url(`/both?token=${token}`));
  both.send(frameOf(7));
  await both.frame();
  const hello = async (hello: Record<string, unknown>) => {
    const client = await Client.open(url("/cam"), ["stream.v1", bearer]);
    client.send(JSON.stringify({ type: "hello", version: 1, ...hello }));
    await client.control("welcome");
    return client;
  };
  const speaking = [
    await hello({ role: "publish", session: "one" }),
    await hello({ role: "watch" }),
  ];
  const bodies = await Promise.all(["mjpeg", "mkv"].map(async (extension) => {
    const headers = { authorization: `Bearer ${token}` };
    const { body } = await fetch(`${http}/bare.${extension}`, { headers });
    return body!.getReader();
  }));
  return {
    clients: [publisher, viewer, both, ...speaking],
    /** Settles when motion JPEG and a file have ended. */
    motionEnd: Promise.all(bodies.map(async (reader) => {
      try {
        while (!(await reader.read()).done) { /* what comes before the end */ }
      } catch {
        // Broken off.
      }
    })),
  };
}

Deno.test("serve ends whatever session with 4008 when its token is revoked, and no other", async () => {
  await using running = await scene();
  const { access, sign, url, relay } = running;
  const lost = await sign({ publish: ["*"] });
  const kept = await sign({ watch: ["*"] });
  const { clients, motionEnd } = await everybody(url, lost.token, relay.address);
  await using witness = await Client.open(url(`/bare?role=watch&token=${kept.token}`));
  await witness.frame();
  access.setRevoked(new Set([lost.tokenId]));
  for (const client of clients) {
    assertEquals(await soon("the end", client.closed), {
      code: 4008,
      reason: "the token was revoked",
    });
  }
  await soon("the end of the pictures", motionEnd);
  await using publisher = await Client.open(
    url(`/bare?role=publish&token=${(await sign({ publish: ["bare"] })).token}`),
  );
  publisher.send(JPEG);
  assertEquals(await witness.frame(), JPEG);
});

Deno.test("serve ends whatever session with 4008 when its token expires", async () => {
  await using running = await scene();
  const { sign, url, relay } = running;
  const { token } = await sign({ publish: ["*"] }, 3000);
  const { clients, motionEnd } = await everybody(url, token, relay.address);
  for (const client of clients) {
    assertEquals(await soon("the end", client.closed), {
      code: 4008,
      reason: "the token has expired",
    });
  }
  await soon("the end of the pictures", motionEnd);
});

Deno.test("serve asks again about whoever was let in while that changed", async () => {
  let isOver = false;
  const listeners = new Set<() => void>();
  const access: Access = {
    authorize: ({ stream }) => {
      if (stream === "cam" && !isOver) {
        // Before there is a connection that could be told.
        queueMicrotask(() => {
          isOver = true;
          for (const listener of listeners) listener();
        });
        return "allowed";
      }
      return isOver && stream === "cam" ? "forbidden" : "allowed";
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  await using relay = await serve(DEFAULTS, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
  await using viewer = await Client.open(
    `${relay.address.replace("http:", "ws:")}/cam?role=watch`,
  );
  assertEquals((await viewer.closed).code, 4008);
});

Deno.test("serve asks once more where there was no time to find out whether somebody may stay", async () => {
  const answers: (Decision | Ruling)[] = [
    { decision: "limited", why: "there is no time" },
    "allowed",
    { decision: "limited", why: "there is no time" },
    { decision: "forbidden", why: "the second answer" },
  ];
  let change = () => {};
  let asked = 0;
  const access: Access = {
    authorize: () => asked++ === 0 ? "allowed" : answers.shift() ?? "forbidden",
    onChange: (listener) => {
      change = listener;
      return () => {};
    },
  };
  await using relay = await serve({ ...DEFAULTS, workers: 1 }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
  await using viewer = await Client.open(
    `${relay.address.replace("http:", "ws:")}/cam?role=watch`,
  );
  await eventually("a session that may end", () => asked === 1);
  change();
  await eventually("a second question", () => asked === 3);
  assertEquals(viewer.isOpen, true);
  change();
  assertEquals(await viewer.closed, { code: 4008, reason: "the second answer" });
});

Deno.test("serve lists, as JSON, text and metrics, the streams that one may see, and refuses others alike", async () => {
  await using running = await scene();
  const { sign, url, relay } = running;
  const all = (await sign({ publish: ["*"] })).token;
  await using one = await Client.open(url(`/cam-1?role=publish&token=${all}`));
  await using two = await Client.open(url(`/garage?role=publish&token=${all}`));
  one.send(JPEG);
  two.send(JPEG);
  const { token } = await sign({ watch: ["cam-*"], metrics: ["cam-*"] });
  const get = async (path: string, bearer = token) => {
    const response = await fetch(relay.address + path, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    return { status: response.status, text: await response.text() };
  };
  const names = async (bearer?: string) =>
    JSON.parse((await get("/api/streams", bearer)).text).map(({ name }: { name: string }) => name);
  while ((await names(all)).length < 2) { /* the streams are not there yet */ }
  assertEquals(await names(), ["cam-1"]);
  for (const path of ["/", "/metrics"]) {
    const { status, text } = await get(path);
    assertEquals(
      [status, text.includes("cam-1"), text.includes("garage")],
      [200, true, false],
      path,
    );
  }
  for (const path of ["/api/streams/NAME", "/NAME.jpg", "/NAME.mjpeg", "/NAME.mkv", "/NAME.png"]) {
    const [there, nowhere] = [
      await get(path.replace("NAME", "garage")),
      await get(path.replace("NAME", "nowhere")),
    ];
    assertEquals([there.status, nowhere], [403, there], path);
  }
});

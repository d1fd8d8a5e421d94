/** Somebody else decides: what is asked, what allows, and what refuses. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AccessQuestion, Ruling } from "../../src/access/access.ts";
import { AskedElsewhere } from "../../src/access/asked_elsewhere.ts";
import { openHere } from "../server/fixture.ts";

const QUESTION: AccessQuestion = {
  action: "watch",
  stream: "cam",
  address: "192.0.2.1",
  token: "abc",
  userAgent: "curl/8",
};

type Answer = (asked: Record<string, unknown>) => Response | Promise<Response>;

/** A service that answers so, and what it was asked. */
function scene(answer: Answer, options: { nowMs?: () => number; answerMs?: number } = {}) {
  const asked: Record<string, unknown>[] = [];
  const server = openHere(async (request) => {
    const body = await request.json();
    asked.push({ ...body, method: request.method });
    return await answer(body);
  });
  const access = new AskedElsewhere(server.url.replace("ws:", "http:"), options);
  return {
    asked,
    ask: (question: Partial<AccessQuestion> = {}): Promise<Ruling> =>
      access.authorize({ ...QUESTION, ...question }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("AskedElsewhere posts the question, and 2xx allows", async () => {
  for (const status of [200, 201, 204]) {
    await using running = scene(() => new Response(null, { status }));
    assertEquals(await running.ask(), { decision: "allowed" });
    assertEquals(running.asked, [{
      method: "POST",
      action: "watch",
      stream: "cam",
      address: "192.0.2.1",
      token: "abc",
      userAgent: "curl/8",
    }]);
  }
});

Deno.test("AskedElsewhere refuses what is not 2xx, and follows nobody elsewhere", async () => {
  for (const status of [302, 307, 400, 403, 404, 500, 503]) {
    await using running = scene(() =>
      new Response("no", { status, headers: { location: "/yes" } })
    );
    assertEquals((await running.ask()).decision, "forbidden", String(status));
    assertEquals(running.asked.length, 1);
  }
  await using running = scene(() => new Response(null, { status: 401 }));
  assertEquals((await running.ask()).fault, "wrong");
  assertEquals((await running.ask({ token: undefined })).fault, "none");
});

Deno.test("AskedElsewhere refuses where nobody answers in time, or at all", async () => {
  const late = Promise.withResolvers<Response>();
  {
    await using running = scene(() => late.promise, { answerMs: 20 });
    const ruling = await running.ask();
    assertEquals(ruling.decision, "forbidden");
    assertMatch(ruling.why!, /has not answered in time/);
    late.resolve(new Response());
  }
  const access = new AskedElsewhere("http://127.0.0.1:1/");
  assertEquals((await access.authorize(QUESTION)).decision, "forbidden");
});

Deno.test("AskedElsewhere keeps an answer for as long as it says, and no other", async () => {
  let nowMs = 0;
  await using running = scene(() => Response.json({ expires: 60 }), { nowMs: () => nowMs });
  const { ask, asked } = running;
  assertEquals(await ask(), { decision: "allowed", untilMs: 60_000 });
  nowMs = 59_999;
  await ask();
  assertEquals(asked.length, 1);
  await ask({ token: "other" });
  await ask({ stream: "other" });
  await ask({ address: "192.0.2.2" });
  assertEquals(asked.length, 4);
  nowMs = 60_000;
  assertEquals((await ask()).untilMs, 120_000);
  assertEquals(asked.length, 5);
  for (const body of ["", "null", "[]", '{"expires":"1"}', '{"expires":-1}', "x".repeat(5000)]) {
    await using other = scene(() => new Response(body), { nowMs: () => 0 });
    await other.ask();
    assertEquals(await other.ask(), { decision: "allowed" }, body);
    assertEquals(other.asked.length, 2, body);
  }
});

Deno.test("AskedElsewhere asks the same once, 128 questions at a time, and all in turn", async () => {
  let atOnce = 0;
  let most = 0;
  const isFull = Promise.withResolvers<void>();
  await using running = scene(async () => {
    most = Math.max(most, ++atOnce);
    if (atOnce === 128) isFull.resolve();
    await isFull.promise;
    atOnce--;
    return new Response();
  }, { answerMs: 60_000 });
  const same = [running.ask(), running.ask()];
  const others = Array.from({ length: 999 }, (_, index) => running.ask({ stream: `s${index}` }));
  const rulings = await Promise.all([...same, ...others]);
  assertEquals(rulings.filter(({ decision }) => decision !== "allowed"), []);
  assertEquals([running.asked.length, most], [1000, 128]);
});

Deno.test("AskedElsewhere refuses strangers beyond a bound, and lets who was let in go first", async () => {
  let nowMs = 0;
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const asked: unknown[] = [];
  await using running = scene(async ({ stream }) => {
    asked.push(stream);
    await gate.promise;
    return Response.json({ expires: 60 });
  }, { nowMs: () => nowMs, answerMs: 60_000 });
  const known = Array.from({ length: 200 }, (_, index) => `known-${index}`);
  for (const stream of known) await running.ask({ stream });
  nowMs = 60_000;
  gate = Promise.withResolvers();
  const strangers = Array.from(
    { length: 6000 },
    (_, index) => running.ask({ stream: `s${index}` }),
  );
  const again = known.map((stream) => running.ask({ stream }));
  // 128 are asked about and 4,096 wait: those behind them are refused at once.
  assertEquals((await Promise.all(strangers.slice(128 + 4096))).length, 1776);
  gate.resolve();
  assertEquals((await Promise.all(again)).filter(({ decision }) => decision !== "allowed"), []);
  await Promise.all(strangers);
  // With the last of them, as many others may be under way as there are places.
  const last = asked.findLastIndex((stream) => known.includes(String(stream)));
  assert(last < 200 + 128 + 200 + 128, `the last of them was asked about as number ${last}`);
});

Deno.test("AskedElsewhere is not held up by a service that misbehaves", async () => {
  const part = new Uint8Array(65_536).fill(0x61);
  let sent = 0;
  const endless = () =>
    new ReadableStream({
      pull: (controller) => {
        sent += part.length;
        controller.enqueue(part);
      },
    });
  let late = Promise.withResolvers<void>();
  const answers: readonly [Answer, Ruling["decision"]][] = [
    // What is too long says nothing, and its status counts.
    [() => new Response(endless()), "allowed"],
    [() => new Response(endless(), { status: 403 }), "forbidden"],
    [() => new Response(new Uint8Array(100e6)), "allowed"],
    [
      () => new Response(new ReadableStream({ pull: () => late.promise })),
      "forbidden",
    ],
    [() => late.promise.then(() => new Response()), "forbidden"],
    [() => Response.json({}, { headers: { "content-encoding": "gzip" } }), "forbidden"],
    ...["-1", "NaN", '"60"', "null", "[1]", "{}"].map((expires): [Answer, "allowed"] => [
      () => new Response(`{"expires":${expires}}`),
      "allowed",
    ]),
  ];
  for (const [answer, decision] of answers) {
    // What is refused in any case need not be waited for.
    const answerMs = decision === "forbidden" ? 500 : 60_000;
    await using running = scene(answer, { answerMs });
    const ruling = await running.ask();
    assertEquals([ruling.decision, ruling.untilMs], [decision, undefined], String(answer));
    late.resolve();
    late = Promise.withResolvers();
  }
  assert(sent < 50e6, `${sent} bytes were read`);
  for (const expires of ["1e99", "1e999"]) {
    await using running = scene(() => new Response(`{"expires":${expires}}`), { nowMs: () => 0 });
    assertEquals((await running.ask()).untilMs, 31_536_000_000);
  }
});

Deno.test("AskedElsewhere lets a connection in that may watch or publish", async () => {
  await using running = scene(({ action }) =>
    new Response(null, { status: action === "publish" ? 200 : 403 })
  );
  assertEquals((await running.ask({ action: "connect" })).decision, "allowed");
  assertEquals(running.asked.map(({ action }) => action), ["watch", "publish"]);
});

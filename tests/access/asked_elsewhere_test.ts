/** Somebody else decides: what is asked, what allows, and what refuses. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
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

Deno.test("AskedElsewhere asks the same once, and has no more than 128 questions under way", async () => {
  const gate = Promise.withResolvers<void>();
  await using running = scene(async () => {
    await gate.promise;
    return new Response();
  }, { answerMs: 60_000 });
  const same = [running.ask(), running.ask()];
  const others = Array.from({ length: 128 }, (_, index) => running.ask({ stream: `s${index}` }));
  assertEquals((await others[127]!).decision, "forbidden");
  gate.resolve();
  const rulings = await Promise.all([...same, ...others]);
  assertEquals(rulings.filter(({ decision }) => decision === "allowed").length, 129);
  assertEquals(running.asked.length, 128);
});

Deno.test("AskedElsewhere lets a connection in that may watch or publish", async () => {
  await using running = scene(({ action }) =>
    new Response(null, { status: action === "publish" ? 200 : 403 })
  );
  assertEquals((await running.ask({ action: "connect" })).decision, "allowed");
  assertEquals(running.asked.map(({ action }) => action), ["watch", "publish"]);
});

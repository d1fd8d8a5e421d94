// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { accessOf, Admissions, refusalOf } from "../../src/player/admission.ts";

/** Admissions that are asked at `nowMs`, with an answer by the path and the token of each request. */
function setUp(answer: (path: string, token: string | null) => Response | Promise<Response>) {
  const clock = { nowMs: 0 };
  const asked: string[] = [];
  const admissions = new Admissions((url, init) => {
    const token = new Headers(init.headers).get("authorization");
    asked.push(`${url.pathname} ${token}`);
    return Promise.resolve(answer(url.pathname, token));
  }, () => clock.nowMs);
  return { admissions, asked, clock };
}

const CAM = accessOf("ws://relay/cam");
const EXPIRED = () => new Response("Cannot do this: the token has expired\n", { status: 401 });

Deno.test("accessOf finds the API beside the stream, under whatever path the relay is", () => {
  assertEquals(CAM.href, "http://relay/api/streams/cam/access");
  assertEquals(
    accessOf("wss://relay/video/a%20b?token=s#token=s").href,
    "https://relay/video/api/streams/a%20b/access",
  );
});

Deno.test("Admissions sends the token in a header, and asks once for all who ask with the same", async () => {
  const { admissions, asked, clock } = setUp(EXPIRED);
  const refusal = {
    sentence: "Cannot do this: the token has expired",
    waitMs: 0,
    isElsewhere: false,
  };
  const asking = ["cam", "cam", "other"].map((name) =>
    admissions.ask(accessOf(`ws://relay/${name}`), "old")
  );
  assertEquals(await Promise.all(asking), [refusal, refusal, refusal]);
  clock.nowMs = 1999;
  assertEquals(await admissions.ask(CAM, "old"), refusal);
  assertEquals(asked, ["/api/streams/cam/access Bearer old"]);
  await admissions.ask(CAM, "new");
  await admissions.ask(CAM, undefined);
  clock.nowMs = 10_000;
  await admissions.ask(CAM, "old");
  assertEquals(asked.slice(1).map((each) => each.split(" ").slice(1).join(" ")), [
    "Bearer new",
    "null",
    "Bearer old",
  ]);
});

Deno.test("Admissions asks for each stream whether a token that counts is for it", async () => {
  const { admissions, asked } = setUp((path) =>
    path.includes("cam") ? new Response(null, { status: 204 }) : new Response("no", { status: 403 })
  );
  const [cam, other] = await Promise.all([
    admissions.ask(CAM, "one"),
    admissions.ask(accessOf("ws://relay/other"), "one"),
  ]);
  assertEquals([cam, other], ["admitted", { sentence: "no", waitMs: 0, isElsewhere: true }]);
  assertEquals(await admissions.ask(CAM, "one"), "admitted");
  assertEquals(asked.length, 3);
});

Deno.test("Admissions tells a relay that does not answer from one that refuses", async () => {
  const answers: (() => Response | Promise<Response>)[] = [
    () => Promise.reject(new TypeError("Failed to fetch")),
    () => new Response("", { status: 502 }),
    () => new Response("", { status: 404 }),
  ];
  const { admissions } = setUp(() => answers.shift()!());
  for (const expected of ["away", "away", "admitted"] as const) {
    assertEquals(await admissions.ask(CAM, "one"), expected);
  }
});

Deno.test("refusalOf knows how long to wait, whatever Retry-After says", () => {
  const waitMs = (retryAfter: string | undefined) =>
    refusalOf({
      status: 429,
      headers: new Headers(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
    }, "")!.waitMs;
  assertEquals(
    ["30", "0", undefined, "Fri, 27 Nov 2026 22:00:00 GMT", "999999999"].map(waitMs),
    [30_000, 1000, 10_000, 10_000, 3_600_000],
  );
});

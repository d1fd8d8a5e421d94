// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { Poll } from "../../src/player/poll.ts";
import { askForRate } from "../../src/player/rate_control.ts";
import { soon } from "../waiting.ts";

const LIST = new URL("http://127.0.0.1:8080/api/streams");
const STREAM = new URL("http://127.0.0.1:8080/api/streams/live");

/** What a poll told, one after the other: names, or a sentence. */
class Told {
  readonly all: (string[] | string)[] = [];
  #wake = Promise.withResolvers<void>();

  tell(what: string[] | string): void {
    this.all.push(what);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async count(count: number): Promise<void> {
    while (this.all.length < count) {
      await soon(`answer ${count}, after ${this.all.join("; ")}`, this.#wake.promise);
    }
  }
}

type Answer = () => Response | Promise<Response>;

/** Polls, with an answer for each request; the last one again and again. */
function poll(answers: readonly Answer[], options: { isOnline?: boolean } = {}) {
  const told = new Told();
  let asked = 0;
  const poll = new Poll(LIST, {
    onAnswer: (statuses) => told.tell(statuses.map(({ name }) => name)),
    onAway: (sentence) => told.tell(sentence),
  }, {
    fetch: async (url, { signal, cache }) => {
      assertEquals([url, cache], [LIST, "no-store"]);
      assert(signal instanceof AbortSignal);
      return await answers[Math.min(asked++, answers.length - 1)]!();
    },
    isHidden: () => false,
    isOnline: () => options.isOnline ?? true,
    random: () => 0,
  });
  poll.start();
  return { poll, told, asked: () => asked };
}

const streams = (...names: string[]) => () => Response.json(names.map((name) => ({ name })));
const refused = () => Promise.reject(new TypeError("Failed to fetch"));

Deno.test("Poll tells of each answer, and asks again after a second", async () => {
  const begunMs = performance.now();
  const { poll: running, told } = poll([streams(), streams("a", "b")]);
  await told.count(2);
  running.stop();
  assertEquals(told.all, [[], ["a", "b"]]);
  assertGreater(performance.now() - begunMs, 900);
});

Deno.test("Poll says that the relay is away, and goes on by itself", async () => {
  const { poll: running, told } = poll([streams("a"), refused, refused, streams("b")]);
  await told.count(1);
  running.hurry();
  await told.count(4);
  running.stop();
  const sentence =
    "The relay does not answer. The page will continue as soon as the relay is back.";
  assertEquals(told.all, [["a"], sentence, sentence, ["b"]]);
});

Deno.test("Poll and askForRate read no more of an answer than they need", async () => {
  let pulled = 0;
  let canceled = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => {
          pulled++;
          controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
        },
        cancel: () => void canceled++,
      }),
    );
  const { poll: running, told } = poll([endless, streams("a")]);
  await told.count(2);
  running.stop();
  assertEquals(told.all, [
    "The relay cannot be understood: its answer is too long. " +
    "The page will continue as soon as the relay is back.",
    ["a"],
  ]);
  assertEquals(await askForRate(STREAM, 1, () => Promise.resolve(endless())), {
    status: undefined,
  });
  assertEquals(canceled, 2);
  assert(pulled < 20, `${pulled} MiB`);
});

Deno.test("Poll says what is strange about an answer", async () => {
  const page = () => new Response("<b>Bad gateway</b>", { status: 502 });
  const text = () => new Response("<html>");
  const { poll: running, told } = poll([page, text, () => Response.json({ streams: [] })]);
  await told.count(3);
  running.stop();
  const again = "The page will continue as soon as the relay is back.";
  assertEquals(told.all, [
    `The relay cannot be understood: it answers with the status 502. ${again}`,
    `The relay cannot be understood: its answer is not JSON. ${again}`,
    `The relay cannot be understood: its answer is not a list of streams. ${again}`,
  ]);
});

Deno.test("Poll says that this computer is offline, where it knows", async () => {
  const { poll: running, told } = poll([refused], { isOnline: false });
  await told.count(1);
  running.stop();
  assertMatch(String(told.all[0]), /^This device is offline/);
});

Deno.test("Poll.hurry asks at once, but not while it waits for an answer", async () => {
  const held = Promise.withResolvers<Response>();
  const { poll: running, told, asked } = poll([() => held.promise, streams("a")]);
  running.hurry();
  running.hurry();
  assertEquals(asked(), 1);
  held.resolve(Response.json([]));
  await told.count(1);
  await Promise.resolve();
  running.hurry();
  assertEquals(asked(), 2);
  await told.count(2);
  running.stop();
  running.hurry();
  assertEquals(asked(), 2);
});

Deno.test("Poll tells nothing once it is stopped", async () => {
  const held = Promise.withResolvers<Response>();
  const { poll: running, told } = poll([() => held.promise]);
  running.stop();
  held.resolve(Response.json([]));
  await held.promise;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(told.all, []);
});

Deno.test("askForRate sends a PATCH, and gives the new status", async () => {
  const seen: [string, string | undefined, unknown][] = [];
  const answer = await askForRate(STREAM, 25, (url, { method, body }) => {
    seen.push([url.href, method, body]);
    return Promise.resolve(Response.json({ name: "live", fps: 25 }));
  });
  assertEquals(seen, [[STREAM.href, "PATCH", '{"fps":25}']]);
  assertEquals(answer.error, undefined);
  assertEquals(answer.error === undefined && answer.status?.fps, 25);
});

Deno.test("askForRate asks for null where no number was typed", async () => {
  let body: unknown;
  await askForRate(STREAM, NaN, (_, init) => {
    body = init.body;
    return Promise.resolve(Response.json({ error: "no" }, { status: 400 }));
  });
  assertEquals(body, '{"fps":null}');
});

Deno.test("askForRate gives the server's sentence, whatever it looks like", async () => {
  const refusal = async (response: Response) =>
    (await askForRate(STREAM, 0, () => Promise.resolve(response))).error;
  assertEquals(
    await refusal(Response.json({ error: "fps is 0, not a number" }, { status: 400 })),
    "fps is 0, not a number",
  );
  assertEquals(await refusal(new Response("Cannot do this\n", { status: 403 })), "Cannot do this");
  assertEquals(await refusal(new Response("", { status: 502 })), "The relay refused (502).");
  assertEquals(await refusal(Response.json({ error: 7 }, { status: 400 })), '{"error":7}');
  assertEquals((await refusal(new Response("x".repeat(9999), { status: 400 })))?.length, 300);
  const { error } = await askForRate(STREAM, 1, () => Promise.reject(new TypeError("no")));
  assertEquals(error, "The relay does not answer.");
});

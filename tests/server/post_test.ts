/** Frames that are posted. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../src/host/clock.ts";
import { serve } from "../../src/server/serve.ts";
import { jpeg } from "../split/samples.ts";
import { eventually, soon } from "../waiting.ts";
import { Client, DEFAULTS, startRelay, until } from "./fixture.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** More than the systems of both sides keep of what nobody reads. */
const MAX_TAKEN_BYTES = 256 * 1024 * 1024;

/** Different pictures, of so many bytes and a few more. */
function pictures(count: number, bytes = 100): Bytes[] {
  return Array.from({ length: count }, (_, n) => jpeg({ scan: new Uint8Array(bytes).fill(n + 1) }));
}

/** What of a body has been asked for, and its end. */
class SlowBody {
  readonly stream: ReadableStream<Bytes>;
  asked = 0;
  readonly #pieces: Iterator<Bytes>;
  #controller!: ReadableStreamDefaultController<Bytes>;
  #isCancelled = false;

  constructor(pieces: Iterable<Bytes>) {
    this.#pieces = pieces[Symbol.iterator]();
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        const { value, done } = this.#pieces.next();
        if (done) return;
        this.asked++;
        this.#controller.enqueue(value);
      },
      cancel: () => void (this.#isCancelled = true),
    }, { highWaterMark: 0 });
  }

  end(): void {
    if (!this.#isCancelled) this.#controller.close();
  }
}

/** A relay that keeps "cam" because somebody watches it. */
async function watchedRelay(options: Parameters<typeof startRelay>[0] = {}) {
  const relay = await startRelay(options);
  const viewer = await Client.open(relay.url("/cam?role=watch"));
  await until(relay, ({ viewers }) => viewers === 1, "cam");
  return {
    ...relay,
    viewer,
    async [Symbol.asyncDispose](): Promise<void> {
      await viewer[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

/** The answer to a post: its and what it says. */
async function post(
  address: string,
  body: BodyInit | null,
  method = "POST",
): Promise<[number, string]> {
  const response = await soon(
    `the answer to a post to ${address}`,
    fetch(address, { method, body }),
  );
  return [response.status, await response.text()];
}

for (const method of ["POST", "PUT"]) {
  Deno.test(`${method} publishes its body as frames, and the answer counts them`, async () => {
    await using relay = await watchedRelay();
    const frames = pictures(5);
    const [code, answer] = await post(`${relay.address}/cam`, new Blob(frames), method);
    assertEquals(code, 200, answer);
    assertMatch(answer, /^published 5 frames, \d+ bytes in [\d.]+ s, 0 dropped, 0 damaged\n$/);
    for (const frame of frames) assertEquals(await relay.viewer.frame(), frame);
  });
}

Deno.test("A stream that is posted may be called as a file is", async () => {
  await using relay = await startRelay();
  await using viewer = await Client.open(relay.url("/cam.mjpeg?role=watch"));
  await until(relay, ({ viewers }) => viewers === 1, "cam.mjpeg");
  const [code] = await post(`${relay.address}/cam.mjpeg`, new Blob(pictures(1)));
  assertEquals(code, 200);
  assertEquals(await viewer.frame(), pictures(1)[0]);
});

Deno.test("A body that cannot be published is refused in a sentence", async () => {
  await using relay = await startRelay({ maxFrameBytes: 1000 });
  const raw = "raw&size=2x2&pixel-format=rgb24";
  for (
    const [query, body, code, sentence] of [
      ["", null, 422, /Cannot publish to "cam": /],
      ["", new Uint8Array(70_000).fill(7), 422, /expected mjpeg.*give format=raw size=WxH/],
      ["", "just a text, and no frames", 422, /cannot read frame 1/],
      ["?format=png", "just a text, and no frames", 422, /with \?format=\n$/],
      ["?format=h265", "x", 415, /the format "h265" is not known; known are auto, raw, mjpeg/],
      ["?format=raw", "x", 400, /raw frames need size=WxH/],
      ["?format=raw&size=0x2", "x", 400, /raw frames need size=WxH/],
      ["?size=2x2", "x", 400, /raw frames need pixel-format/],
      ["?size=2x2&pixel-format=rgb", "x", 400, /raw frames need pixel-format/],
      ["?format=png&size=2x2", "x", 400, /describe raw frames, not png/],
      ["?on-full=skip", "x", 400, /on-full is "skip", neither wait nor drop/],
      ["?takeover=yes", "x", 400, /takeover is "yes", neither true nor false/],
      ["?fromat=raw", "x", 400, /no parameter "fromat"; there are format, size/],
      [`?format=${raw}`, new Uint8Array(13), 422, /frame 2/],
      ["", new Blob(pictures(1, 2000)), 413, /more than 1000|at most 1000/],
    ] as const
  ) {
    const [status, answer] = await post(`${relay.address}/cam${query}`, body);
    assertEquals(status, code, `${query}: ${answer}`);
    assertMatch(answer, sentence);
    assertMatch(answer, /^Cannot publish to "cam": [^\n]*\n$/);
  }
  const packed = await fetch(`${relay.address}/cam`, {
    method: "POST",
    body: "x",
    headers: { "content-encoding": "gzip" },
  });
  assertEquals(packed.status, 415);
  await packed.body?.cancel();
});

Deno.test("A stream has one publisher, also one that posts, unless another takes it over", async () => {
  await using relay = await watchedRelay();
  const body = new SlowBody(pictures(1));
  const first = post(`${relay.address}/cam`, body.stream);
  await until(relay, ({ received }) => received.frames === 1, "cam");
  const [code, sentence] = await post(`${relay.address}/cam`, new Blob(pictures(1)));
  assertEquals(code, 409);
  assertMatch(sentence, /publisher/);
  const [taken] = await post(`${relay.address}/cam?takeover`, new Blob(pictures(1)));
  assertEquals(taken, 200);
  assertEquals((await first)[0], 409);
  body.end();
});

Deno.test("A connection that just ends is the end of what is posted", async () => {
  await using relay = await watchedRelay();
  const { hostname, port } = new URL(relay.address);
  const frames = pictures(3);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(
    `POST /cam HTTP/1.1\r\nHost: ${hostname}:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ));
  for (const frame of frames) {
    const size = new TextEncoder().encode(`${frame.byteLength.toString(16)}\r\n`);
    await writer.write(new Uint8Array(await new Blob([size, frame, "\r\n"]).arrayBuffer()));
  }
  await until(relay, ({ received }) => received.frames === 3, "cam");
  connection.close();
  await until(relay, ({ publishing }) => !publishing, "cam");
  // Somebody else may publish.
  const [code] = await post(`${relay.address}/cam`, new Blob(frames));
  assertEquals(code, 200);
});

Deno.test("A body is read no faster than its frames leave", async () => {
  await using relay = await startRelay({ fps: 1 });
  const frame = jpeg({ scan: new Uint8Array(100_000).fill(1) });
  const body = new SlowBody(Array(3000).fill(frame));
  const answer = post(`${relay.address}/cam`, body.stream);
  await until(relay, ({ received }) => received.frames >= 2, "cam");
  // Some wait in the queue, and some on the way.
  let asked = -1;
  await eventually("the body to wait", async () => {
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 500));
    asked = body.asked;
    return before === asked;
  });
  assert(asked < 300, `${asked} frames of 100 kB were read while one left a second`);
  await relay[Symbol.asyncDispose]();
  const [code] = await answer;
  assertEquals(code, 503);
  body.end();
});

Deno.test("Of a body that comes faster than the tick, every frame reaches a viewer", async () => {
  await using relay = await watchedRelay({ fps: 100 });
  const frames = pictures(100, 20_000);
  const answer = post(`${relay.address}/cam`, new Blob(frames));
  for (const frame of frames) assertEquals(await relay.viewer.frame(), frame);
  const [code, totals] = await answer;
  assertEquals(code, 200, totals);
  assertMatch(totals, /^published 100 frames, .* 0 dropped, 0 damaged/);
});

Deno.test("A body that nobody watches is taken to its end", async () => {
  await using relay = await startRelay({ fps: 100 });
  const [code, totals] = await post(`${relay.address}/cam`, new Blob(pictures(100, 20_000)));
  assertEquals(code, 200, totals);
  assertMatch(totals, /^published 100 frames, .* 0 dropped, 0 damaged/);
});

Deno.test("Whoever posts to a relay that stops is told at once, and the log says nothing of his", async () => {
  const lines: string[] = [];
  const line = (message: string) => void lines.push(message);
  const log = { info: line, warn: line, error: line, progress: () => {} };
  const stop = new AbortController();
  const context = { clock: systemClock, log, signal: stop.signal };
  await using relay = await serve(DEFAULTS, context);
  const body = new SlowBody(pictures(1));
  const answer = post(`${relay.address}/cam`, body.stream);
  await until(relay, ({ received }) => received.frames === 1, "cam");
  stop.abort();
  const [code, sentence] = await answer;
  assertEquals([code, sentence.includes("the relay is stopping")], [503, true], sentence);
  assertEquals(lines.filter((each) => each.includes("lost the relay")), []);
  body.end();
});

Deno.test("A body of which nothing comes is given up, and says so", async () => {
  await using relay = await startRelay({ stallTimeoutMs: 300 });
  const body = new SlowBody(pictures(1));
  const [code, sentence] = await post(`${relay.address}/cam`, body.stream);
  assertEquals(code, 408);
  body.end();
  assertMatch(sentence, /nothing came for 300 ms \(--stall-timeout\); published 1 frame/);
  const nothing = new SlowBody([]);
  const [other, why] = await post(`${relay.address}/cam`, nothing.stream);
  nothing.end();
  assertEquals(other, 408, why);
  assertMatch(why, /nothing came for 300 ms \(--stall-timeout\); published 0 frames/);
});

Deno.test("Bodies that make no frame are given up where memory is short, as few as have to be", async () => {
  await using relay = await startRelay({ maxMemoryBytes: 16 * 1024 * 1024 });
  const begun = jpeg({ scan: new Uint8Array(1_000_000).fill(1) }).subarray(0, 1_000_000);
  const bodies = Array.from({ length: 8 }, () => new SlowBody([begun]));
  const answers: Promise<[number, string]>[] = [];
  for (const [n, body] of bodies.entries()) {
    answers.push(post(`${relay.address}/cam-${n}?format=mjpeg`, body.stream));
    await eventually("the body to be asked for", () => body.asked === 1);
  }
  // Of several threads, each gives up its own.
  const [code, sentence] = await Promise.race(answers);
  assertEquals(code, 503, sentence);
  assertMatch(sentence, /short of memory for unfinished messages \(--max-memory\)/);
  for (const body of bodies) body.end();
  const codes = (await Promise.all(answers)).map(([code]) => code);
  const kept = codes.filter((code) => code === 422).length;
  assert(kept >= 2, `${codes}: of 8 MB, 4 MiB may stay`);
});

/** Posts a body that never ends: the status, what the answer says, and how much was taken. */
async function postWithoutEnd(
  address: string,
  path: string,
  method = "POST",
): Promise<{ status: string; answer: string; sentBytes: number }> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const encoder = new TextEncoder();
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n`;
  const piece = new Uint8Array(65_536).fill(7);
  const chunk = new Uint8Array(await new Blob(["10000\r\n", piece, "\r\n"]).arrayBuffer());
  let answer = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    const bytes = new Uint8Array(65_536);
    for (;;) {
      const count = await connection.read(bytes).catch(() => null);
      if (count === null) return;
      answer += decoder.decode(bytes.subarray(0, count), { stream: true });
    }
  })();
  let sentBytes = 0;
  const sending = (async () => {
    const send = async (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.byteLength;) {
        at += await connection.write(bytes.subarray(at));
      }
    };
    await send(encoder.encode(`${head}Transfer-Encoding: chunked\r\n\r\n`));
    // A body that is read on is not read for ever here.
    while (sentBytes < MAX_TAKEN_BYTES) {
      await send(chunk);
      sentBytes += chunk.byteLength;
    }
  })().catch(() => {});
  await soon(`the end of the connection that posted to ${path}`, Promise.all([reading, sending]));
  return { status: answer.slice("HTTP/1.1 ".length, "HTTP/1.1 422".length), answer, sentBytes };
}

Deno.test("A body that goes on behind its answer ends with its connection", async () => {
  const lines: string[] = [];
  const line = (message: string) => void lines.push(message);
  const log = { info: () => {}, warn: line, error: line, progress: () => {} };
  const context = { clock: systemClock, log, signal: new AbortController().signal };
  await using relay = await serve({ ...DEFAULTS, maxFrameBytes: 1_000_000 }, context);
  const body = new SlowBody(pictures(1));
  const first = post(`${relay.address}/busy`, body.stream);
  await eventually("a publisher", async () => {
    const response = await fetch(`${relay.address}/api/streams/busy`);
    return (await response.json()).publishing === true;
  });
  lines.length = 0;
  const said: [status: string, path: string, method?: string][] = [
    ["422", "/cam"],
    ["413", "/cam?format=raw&size=1000x1000&pixel-format=rgb24"],
    ["400", "/cam?fromat=raw"],
    ["409", "/busy?format=raw&size=2x2&pixel-format=gray"],
    ["405", "/health"],
    ["405|501", "/health", "TRACE"],
    ["400", "/api/streams/busy", "PATCH"],
  ];
  for (const [status, path, method] of said) {
    const got = await postWithoutEnd(relay.address, path, method);
    assertMatch(got.status, RegExp(`^(${status})$`), `${path}: ${got.answer}`);
    assert(got.sentBytes < MAX_TAKEN_BYTES, `${got.sentBytes} bytes were taken behind ${status}`);
    if (status === "422") await eventually("a line about it", () => lines.length > 0);
    assert(lines.length <= 1, lines.join("\n"));
    lines.length = 0;
  }
  body.end();
  assertEquals((await first)[0], 200);
});

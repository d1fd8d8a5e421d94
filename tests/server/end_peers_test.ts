/** Somebody who may ends a viewer, which is told why; and each change is a line in the log. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { CompactSign } from "jose";
import { SignedTokens } from "../../src/access/signed_tokens.ts";
import { readKeys } from "../../src/access/token_keys.ts";
import { newKey } from "../../src/access/token_maker.ts";
import { ProtocolError } from "../../src/errors.ts";
import { systemClock } from "../../src/host/clock.ts";
import { type LogFields, silentLog } from "../../src/host/log.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import { endViewer } from "../../src/http/end_peers.ts";
import { EndedSessions } from "../../src/relay/ended_sessions.ts";
import { Hub, type ViewerEnd } from "../../src/relay/hub.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { clearCounts, Memory, sharedCounts } from "../../src/relay/memory.ts";
import { type Relay, serve } from "../../src/server/serve.ts";
import { encodeControl, type ListedViewer } from "../../src/wire/control_message.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { jpegs } from "../cli/folder.ts";
import { silentPeer, silentReader } from "../e2e/raw_peer.ts";
import { eventually, soon } from "../waiting.ts";
import { Client, DEFAULTS, frameOf, numberOf, startRelay, until } from "./fixture.ts";
import { samples } from "./metrics.ts";
import { PartReader } from "./mjpeg.ts";
import { fromPublisher } from "../wire/messages.ts";

const TOLD = "somebody who may has ended it";

async function viewersOf(relay: Relay, name = "live"): Promise<ListedViewer[]> {
  const response = await fetch(`${relay.address}/api/streams/${name}/viewers`);
  return response.ok ? await response.json() : (await response.body?.cancel(), []);
}

/** The ids of a stream's viewers, once there are so many. */
async function ids(relay: Relay, count: number, name = "live"): Promise<number[]> {
  return await eventually(`${count} viewers of ${name}`, async () => {
    const viewers = await viewersOf(relay, name);
    return viewers.length === count && viewers.map(({ id }) => id);
  });
}

interface Body {
  readonly ended?: number;
  readonly error?: string;
}

/** Ends whatever is at that path, and returns what is answered. */
async function end(relay: Relay, path: string, init: RequestInit = {}) {
  const response = await fetch(`${relay.address}/api/streams/${path}`, {
    method: "DELETE",
    ...init,
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text.startsWith("{") ? JSON.parse(text) : { text }) as Body,
  };
}

/** Ends a viewer, whichever of these it is. */
async function endId(relay: Relay, id: number, query = "", name = "live") {
  return await end(relay, `${name}/viewers/${id}${query}`);
}

Deno.test("serve gives each viewer an id of its own, of every kind and at every thread, and none twice", async () => {
  await using relay = await startRelay();
  const [picture] = jpegs(1);
  await using sender = await Client.open(relay.url("/live?role=publish"));
  sender.send(picture!);
  await until(relay, ({ received }) => received.frames === 1);
  const seen = new Set<number>();
  for (let round = 0; round < 3; round++) {
    await using bare = await Client.open(relay.url("/live?role=watch"));
    await using both = await Client.open(relay.url("/live"));
    await using speaking = await Client.hello(relay.url("/live"), { role: "watch" });
    await using motion = await PartReader.open(`${relay.address}/live.mjpeg`);
    await Promise.all([bare.frame(), both.frame(), speaking.frame(), motion.picture()]);
    const first = await ids(relay, 4);
    assertEquals(new Set(first).size, 4);
    for (const id of first) {
      assert(Number.isSafeInteger(id) && id > 0 && !seen.has(id), `${id}`);
      seen.add(id);
    }
    assertEquals(await ids(relay, 4), first);
    await Promise.all([bare, both, speaking, motion].map((each) => each[Symbol.asyncDispose]()));
    await ids(relay, 0);
  }
});

Deno.test("Memory gives no number twice, not even in a thread that has taken another's place", () => {
  const counts = sharedCounts(3);
  const open = (own: number) => new Memory(DEFAULT_OPTIONS, counts, own);
  const numbers = [0, 1, 2, 1, 2, 2].map((own) => open(own).numberViewer());
  for (const own of [1, 2]) {
    open(own).admit();
    clearCounts(counts, own);
    numbers.push(open(own).numberViewer(), open(own).numberViewer());
  }
  assertEquals(new Set(numbers).size, 10);
  assertEquals(new Memory(DEFAULT_OPTIONS).numberViewer(), 1);
});

for (const kind of ["bare", "both", "speaking", "motion"] as const) {
  Deno.test(`serve ends one viewer of many, and tells it why: ${kind}`, async () => {
    await using relay = await startRelay();
    const [one, two] = jpegs(2);
    await using sender = await Client.open(relay.url("/live?role=publish"));
    sender.send(one!);
    await until(relay, ({ received }) => received.frames === 1);
    await using before = await Client.open(relay.url("/live?role=watch"));
    await before.frame();
    const [stays] = await ids(relay, 1);
    const client = kind === "motion"
      ? await PartReader.open(`${relay.address}/live.mjpeg`)
      : kind === "speaking"
      ? await Client.hello(relay.url("/live"), { role: "watch" })
      : await Client.open(relay.url(kind === "bare" ? "/live?role=watch" : "/live"));
    await (client instanceof Client ? client.frame() : client.picture());
    const id = (await ids(relay, 2)).find((id) => id !== stays)!;

    // Of no stream but its own.
    await using other = await Client.open(relay.url("/other?role=watch"));
    await ids(relay, 1, "other");
    assertEquals((await endId(relay, id, "", "other")).status, 404);
    assertEquals(await endId(relay, id, "?reason=too%20loud"), { status: 200, body: { ended: 1 } });
    // It has left at once, and is not there to be ended again.
    assertEquals(await ids(relay, 1), [stays]);
    const again = await endId(relay, id);
    assertEquals(again, {
      status: 404,
      body: { error: 'no viewer of "live" has that id: it has left, or never was there' },
    });
    if (client instanceof Client) {
      assertEquals(await client.closed, { code: 4009, reason: `${TOLD}: too loud` });
    } else {
      await soon(
        "the end of the answer",
        (async () => {
          try {
            while (await client.next() !== undefined) { /* what was under way */ }
          } catch {
            // Broken off.
          }
        })(),
      );
    }
    sender.send(two!);
    assertEquals(await before.frame(), two);
    assertEquals(other.isOpen, true);
  });
}

Deno.test("serve knows no viewer by what is no id, of no stream, or that has just left", async () => {
  await using relay = await startRelay();
  const nobody = await endId(relay, 1);
  assertEquals([nobody.status, /there is no stream "live"/.test(nobody.body.error!)], [404, true]);
  await using _viewer = await Client.open(relay.url("/live?role=watch"));
  const [id] = await ids(relay, 1);
  for (
    const bad of ["0", "-1", "x", "1e9", `0${id}`, `${id}.0`, "9".repeat(400), "%00", `${id}%20`]
  ) {
    const { status, body } = await end(relay, `live/viewers/${bad}`);
    assertEquals([status, body.error], [
      404,
      'no viewer of "live" has that id: it has left, or never was there',
    ], bad);
  }
  // Publishers are no viewers, and neither is a thread of the relay.
  for (let other = 1; other < 20; other++) {
    if (other !== id) assertEquals((await endId(relay, other)).status, 404, `${other}`);
  }
  await using leaving = await Client.open(relay.url("/live?role=watch"));
  const left = (await ids(relay, 2)).find((each) => each !== id)!;
  await leaving[Symbol.asyncDispose]();
  await ids(relay, 1);
  assertEquals((await endId(relay, left)).status, 404);
  const answers = await Promise.all([endId(relay, id!), endId(relay, id!), endId(relay, id!)]);
  assertEquals(answers.map(({ status }) => status).sort(), [200, 404, 404]);
});

Deno.test("serve ends each of many viewers once, by whichever thread it is asked, and twice at a time", async () => {
  await using relay = await startRelay();
  const clients = await Promise.all(
    Array.from({ length: 24 }, () => Client.open(relay.url("/live?role=watch"))),
  );
  const all = await ids(relay, clients.length);
  // One half leaves by itself meanwhile.
  const leaving = clients.slice(0, 12).map((client) => client[Symbol.asyncDispose]());
  const answers = await Promise.all([...all, ...all].map((id) => endId(relay, id, "?reason=all")));
  const ended = answers.filter(({ status }) => status === 200).length;
  assert(ended >= 12 && ended <= 24, `${ended} were ended`);
  assertEquals(answers.filter(({ status }) => status === 404).length, 48 - ended);
  for (const client of clients.slice(12)) {
    assertEquals(await client.closed, { code: 4009, reason: `${TOLD}: all` });
  }
  await Promise.all(leaving);
  await ids(relay, 0);
});

Deno.test("endViewer says so where a thread has not said in time whether the viewer is there", async () => {
  const hub = new Hub(DEFAULT_OPTIONS, { clock: systemClock, log: silentLog });
  hub.open("live");
  let end: ViewerEnd = "unknown";
  hub.attach({
    refresh: () => Promise.resolve(),
    viewerStatuses: () => Promise.resolve([]),
    endViewer: () => Promise.resolve(end),
  });
  const url = new URL("http://relay.example/api/streams/live/viewers/7");
  const asked = {
    request: new Request(url, { method: "DELETE" }),
    url,
    base: "",
    takeTime: () => {},
    asker: { address: "", token: undefined },
    name: "live",
    id: "7",
  };
  const there = { hub, pictures: undefined as never };
  for (const [answer, status] of [["unknown", 503], ["absent", 404], ["ended", 200]] as const) {
    end = answer;
    assertEquals((await endViewer(there, asked)).status, status);
  }
});

Deno.test("serve tells no more of a reason than a close holds, whole characters, and none that steers", async () => {
  await using relay = await startRelay();
  const told = async (query: string) => {
    await using viewer = await Client.open(relay.url("/live?role=watch"));
    const [id] = await ids(relay, 1);
    assertEquals((await endId(relay, id!, query)).status, 200, query.slice(0, 40));
    const { code, reason } = await viewer.closed;
    assertEquals(code, 4009);
    await ids(relay, 0);
    return reason;
  };
  for (const empty of ["", "?reason=", "?reason=%20%0a", "?other=x"]) {
    assertEquals(await told(empty), TOLD);
  }
  assertEquals(await told("?reason=a%00%0d%0ab%1b[31mc%e2%80%aed%7f"), `${TOLD}: a b [31mc d`);
  // 31 bytes come before it, so that 92 are left: 23 of these, or with one letter before them 22.
  const emoji = encodeURIComponent("🚫".repeat(70));
  assertEquals(await told(`?reason=${emoji}`), `${TOLD}: ${"🚫".repeat(23)}`);
  assertEquals(await told(`?reason=a${emoji}`), `${TOLD}: a${"🚫".repeat(22)}`);
  assertEquals(await told(`?reason=${"x".repeat(4000)}`), `${TOLD}: ${"x".repeat(80)}`);
});

Deno.test("serve refuses a reason of a megabyte, and goes on", async () => {
  await using relay = await startRelay();
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  const [id] = await ids(relay, 1);
  const path = `live/viewers/${id}?reason=${"x".repeat(1 << 20)}`;
  const status = await end(relay, path).then(({ status }) => status, () => 0);
  // Whether the listener refuses the request or breaks it off, or takes it: no more is told of it.
  if (status === 200) {
    assertEquals((await viewer.closed).reason, `${TOLD}: ${"x".repeat(80)}`);
  } else {
    assert([0, 400, 414, 431].includes(status), `${status}`);
    assertEquals((await endId(relay, id!)).status, 200);
  }
});

Deno.test("serve breaks off a viewer that is ended and never reads, and counts it", async () => {
  await using relay = await startRelay({
    listener: "node",
    limits: { ...DEFAULT_LISTEN_LIMITS, closeTimeoutMs: 300 },
  });
  const { host } = new URL(relay.address);
  for (const after of ["a handshake", "a hello"] as const) {
    const unanswered = async () =>
      (await samples(relay.address)).get('stream_refused_total{reason="unanswered"}')!;
    const before = await unanswered();
    using _peer = await silentPeer(host, after);
    const [id] = await ids(relay, 1);
    assertEquals((await endId(relay, id!)).status, 200);
    await ids(relay, 0);
    await eventually("it to be counted", async () => await unanswered() === before + 1);
  }
});

Deno.test("serve ends motion JPEG that nobody reads, and gives back what it held", async () => {
  await using relay = await startRelay();
  const [picture] = jpegs(1, 500_000);
  await using sender = await Client.open(relay.url("/live?role=publish"));
  sender.send(picture!);
  await until(relay, ({ received }) => received.frames === 1);
  using _stuck = await silentReader(new URL(relay.address).host, "/live.mjpeg");
  for (let count = 0; count < 20; count++) sender.send(picture!);
  const [id] = await ids(relay, 1);
  await until(relay, ({ received }) => received.frames === 21);
  assertEquals((await endId(relay, id!)).status, 200);
  await until(relay, ({ viewers }) => viewers === 0);
});

Deno.test("serve lets others go on without loss where the viewer that is ended held a stream up", async () => {
  await using relay = await startRelay();
  await using publisher = await Client.hello(relay.url("/live"), {
    role: "publish",
    session: "one",
    onFull: "wait",
  });
  await publisher.control("credit");
  await using slow = await Client.hello(relay.url("/live"), { role: "watch" });
  await slow.control("welcome");
  await using bare = await Client.open(relay.url("/live?role=watch"));
  const [first, second] = await ids(relay, 2);
  const isSlow = async (id: number) => {
    const row = (await viewersOf(relay)).find((viewer) => viewer.id === id);
    return row?.confirming === true;
  };
  const id = await isSlow(first!) ? first! : second!;
  publisher.send(encodeControl({ type: "config", epoch: 0, ...bareConfig("raw") }));
  for (let sequence = 1; sequence <= 200; sequence++) {
    if (sequence === 100) assertEquals((await endId(relay, id, "?reason=slow")).status, 200);
    publisher.send(fromPublisher(sequence, frameOf(sequence, 1000)));
    assertEquals(numberOf(await bare.frame()), sequence);
  }
  assertEquals(await slow.closed, { code: 4009, reason: `${TOLD}: slow` });
  const { dropped } = await until(relay, ({ received }) => received.frames === 200);
  const { disconnected: _, slow_viewer: __, ...others } = dropped;
  assertEquals(
    Object.values(others).every((frames) => frames === 0),
    true,
    JSON.stringify(dropped),
  );
});

Deno.test("serve lets a publisher that was ended in no more by the same session, and tells it why again", async () => {
  await using relay = await startRelay();
  const publishing = (session: string, name = "live") =>
    Client.hello(relay.url(`/${name}`), { role: "publish", session, takeover: true });
  await using first = await publishing("one");
  await first.control("credit");
  assertEquals(await end(relay, "live/publisher?reason=wrong"), {
    status: 200,
    body: { ended: 1 },
  });
  assertEquals((await first.closed).code, 4009);
  await eventually("the stream to go", async () => {
    const streams = await (await fetch(`${relay.address}/api/streams`)).json();
    return streams.length === 0;
  });
  await using again = await publishing("one");
  assertEquals(await again.closed, { code: 4009, reason: `${TOLD}: wrong` });
  await using elsewhere = await publishing("one", "other");
  await elsewhere.control("credit");
  await using another = await publishing("two");
  await another.control("credit");
});

Deno.test("EndedSessions remembers the last thousand", () => {
  const ended = new EndedSessions();
  for (let count = 0; count < 1001; count++) {
    ended.add("cam", `session ${count}`, `reason ${count}`);
  }
  ended.check("cam", "session 0");
  assertThrows(() => ended.check("cam", "session 1"), ProtocolError, "reason 1");
  assertThrows(() => ended.check("cam", "session 1000"), ProtocolError, "reason 1000");
});

Deno.test("serve tells whoever may watch what else he may do, without a refusal", async () => {
  const { relay, lines, sign } = await governed();
  await using _relay = relay;
  const { token } = await sign({ watch: ["*"], admin: ["cam"] });
  const access = async (path: string, given: string | undefined = token) => {
    const headers = given === undefined ? {} : { authorization: `Bearer ${given}` };
    const response = await fetch(`${relay.address}/api/streams/${path}`, { headers });
    const text = await response.text();
    return [response.status, text.startsWith("{") ? JSON.parse(text) : text];
  };
  assertEquals(await access("cam/access"), [204, ""]);
  assertEquals(await access("cam/access?action=admin"), [200, { allowed: true }]);
  assertEquals(await access("cam/access?action=watch"), [200, { allowed: true }]);
  assertEquals(await access("cam/access?action=publish"), [200, { allowed: false }]);
  assertEquals(await access("door/access?action=admin"), [200, { allowed: false }]);
  assertEquals(await access("no+name/access?action=admin"), [200, { allowed: false }]);
  const unknown = { error: "action must be one of publish, watch, admin" };
  for (const bad of ["", "metrics", "connect", "ADMIN", "constructor"]) {
    assertEquals(await access(`cam/access?action=${bad}`), [400, unknown]);
  }
  assertEquals(lines.filter(({ level }) => level === "warn"), []);
  assertEquals((await access("cam/access?action=admin", "wrong"))[0], 401);
  assertEquals(lines.filter(({ level }) => level === "warn").length, 1);
});

/** A relay that asks for signed tokens, what it logs, and a token of somebody. */
async function governed() {
  const key = await newKey();
  const { kid } = JSON.parse(key);
  const lines: { level: string; message: string; fields: LogFields | undefined }[] = [];
  const line = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, fields });
  const relay = await serve(DEFAULTS, {
    clock: systemClock,
    log: { ...silentLog, info: line("info"), warn: line("warn"), error: line("error") },
    signal: new AbortController().signal,
    access: new SignedTokens(await readKeys(key, "check"), new Set()),
  });
  const [signing] = await readKeys(key, "sign");
  const sign = async (claims: Record<string, unknown>) => {
    const tokenId = crypto.randomUUID();
    const payload = new TextEncoder().encode(JSON.stringify({ ...claims, jti: tokenId }));
    const head = { alg: signing!.algorithm, kid };
    return {
      token: await new CompactSign(payload).setProtectedHeader(head).sign(signing!.key),
      tokenId,
    };
  };
  return { relay, lines, sign, kid };
}

Deno.test("serve writes a line for each change: who, by which token, what; and never the token", async () => {
  const { relay, lines, sign, kid } = await governed();
  await using _relay = relay;
  const admin = await sign({ admin: ["cam"], sub: "ann\u001b[31m" });
  const headers = { authorization: `Bearer ${admin.token}` };
  const watcher = await sign({ publish: ["*"] });
  const url = `${relay.address.replace("http:", "ws:")}/cam?token=${watcher.token}`;
  await using viewer = await Client.open(`${url}&role=watch`);
  await using sender = await Client.open(`${url}&role=publish`);
  sender.send(frameOf(1));
  await viewer.frame();
  const list = await fetch(`${relay.address}/api/streams/cam/viewers`, { headers });
  const [{ id }] = await list.json();
  for (const body of ['{"fps": 10}', '{"fps": 10}', '{"fps": "source"}']) {
    const init = { method: "PATCH", headers, body };
    await (await fetch(`${relay.address}/api/streams/cam`, init)).text();
  }
  const refused = await end(relay, `cam/viewers/${id}`, {
    headers: { authorization: `Bearer ${watcher.token}` },
  });
  assertEquals(refused.status, 403);
  assertEquals((await end(relay, `cam/viewers/${id}`)).status, 401);
  assertEquals((await end(relay, `cam/viewers/${id}?reason=a%0ab`, { headers })).status, 200);
  assertEquals((await end(relay, `cam/viewers/${id}`, { headers })).status, 404);
  assertEquals((await end(relay, "cam/publisher", { headers })).status, 200);
  assertEquals((await viewer.closed).reason, `${TOLD}: a b`);
  assertEquals((await sender.closed).reason, TOLD);

  const jti = admin.tokenId;
  const by = `of 127.0.0.1 (kid ${kid}, jti ${jti}, sub ann\\x1b[31m)`;
  const changes = lines.filter(({ fields }) => fields?.reason === "change");
  assertEquals(changes.map(({ level, message }) => [level, message]), [
    ["info", `permitted admin "cam" ${by}: source to 10 fps`],
    ["info", `permitted admin "cam" ${by}: 10 to source fps`],
    ["info", `permitted admin "cam" ${by}: its viewer ${id} is ended, with the reason "a b"`],
    ["info", `permitted admin "cam" ${by}: its publisher is ended`],
  ]);
  const common = {
    reason: "change",
    action: "admin",
    stream: "cam",
    address: "127.0.0.1",
    kid,
    jti,
    sub: "ann\\x1b[31m",
  };
  assertEquals(changes.map(({ fields }) => fields), [
    { ...common, fps: 10 },
    { ...common, fps: "source" },
    { ...common, viewer: id, why: "a b" },
    { ...common, ended: 1 },
  ]);
  const refusals = lines.filter(({ fields }) => fields?.reason === "access");
  assertEquals(refusals.length, 2);
  assertStringIncludes(refusals[0]!.message, `(kid ${kid}, jti ${watcher.tokenId})`);
  assertMatch(refusals[1]!.message, /^refused admin "cam" of 127\.0\.0\.1: /);
  const all = JSON.stringify(lines);
  for (const { token } of [admin, watcher]) assertEquals(all.includes(token), false);
});

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Admission } from "../../src/player/admission.ts";
import { Connection, type ReceivedFrame, type TokenSource } from "../../src/player/connection.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { soon } from "../waiting.ts";
import { toViewer } from "../wire/messages.ts";

/** A WebSocket whose other end is the test. */
class FakeSocket {
  readonly OPEN = 1;
  readyState = 0;
  protocol = "stream.v1";
  binaryType = "";
  readonly sent: unknown[] = [];
  closedWith: number | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  accept(protocol = "stream.v1"): this {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.();
    return this;
  }

  welcome(run = "a"): this {
    return this.say({
      ...{ type: "welcome", version: 1, role: "watch", stream: "live", run, fps: 30 },
      ...{ maxFrameBytes: 1000, publishing: true, received: 0 },
    });
  }

  say(message: object): this {
    this.onmessage?.({ data: JSON.stringify(message) });
    return this;
  }

  config(epoch = 1, origin: { session?: string; offset?: number } = {}): this {
    const config = { ...bareConfig("mjpeg"), ...origin };
    this.onmessage?.({ data: encodeControl({ type: "config", epoch, ...config }) });
    return this;
  }

  frame(sequence: number, epoch = 1): this {
    this.onmessage?.({ data: toViewer(sequence, { epoch }).buffer });
    return this;
  }

  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  send(message: string): void {
    this.sent.push(JSON.parse(message));
  }

  close(code?: number): void {
    this.closedWith ??= code;
    this.readyState = 2;
  }
}

/** A connection with fake sockets and no waiting but what its backoff takes. */
function setUp({ isServerThere = () => true, admission = () => "away", token }: {
  isServerThere?: () => boolean;
  admission?: (token: string | undefined) => Admission;
  token?: TokenSource;
} = {}) {
  const sockets: FakeSocket[] = [];
  const events: string[] = [];
  const frames: ReceivedFrame[] = [];
  /** The subprotocols of each try, and what was told with each refusal. */
  const offered: (string | string[])[] = [];
  const reasons: string[] = [];
  const changed = { notify: () => {} };
  const note = (event: string) => {
    events.push(event);
    changed.notify();
  };
  let asked = 0;
  const connection = new Connection({ url: "ws://relay/live", fps: 5, maxDelayMs: 300, token }, {
    onConnecting: () => note("connecting"),
    onWelcome: ({ run }) => note(`welcome ${run}`),
    onConfig: ({ format }) => note(`config ${format}`),
    onFrame: (frame) => {
      frames.push(frame);
      note(`frame ${frame.header.sequence}`);
    },
    onStats: () => note("stats"),
    onEnd: () => note("end"),
    onLost: ({ code, why, isFinal, failures }) => {
      if (code === 4008) reasons.push(why);
      note(`lost ${code}${isFinal ? " for good" : ""}, ${failures} failed`);
    },
  }, {
    open: (_url, protocols) => {
      offered.push(protocols);
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    answers: () => {
      asked++;
      return Promise.resolve(isServerThere());
    },
    admission: (_url, token) => Promise.resolve(admission(token)),
    random: () => 0,
  });
  return {
    offered,
    reasons,
    /** Waits until that has been told so many times. */
    async told(event: string, count = 1): Promise<void> {
      while (events.filter((each) => each === event).length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        changed.notify = resolve;
        await soon(event, promise);
      }
    },
    connection,
    sockets,
    events,
    frames,
    asked: () => asked,
    /** Waits until so many connections have been tried. */
    async tried(count: number): Promise<FakeSocket> {
      while (sockets.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        changed.notify = resolve;
        await soon(`connection ${count}`, promise);
      }
      return sockets[count - 1]!;
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

Deno.test("Connection says hello, asks for the clock, and confirms what it got, at the latest when it leaves", () => {
  using test = setUp();
  test.connection.open();
  const socket = test.sockets[0]!.accept().welcome().config();
  for (const sequence of [4, 5, 6, 7, 8]) socket.frame(sequence);
  assertEquals(socket.binaryType, "arraybuffer");
  const [hello, time, ...acks] = socket.sent as { type: string }[];
  assertEquals(hello as unknown, {
    ...{ type: "hello", version: 1, role: "watch" },
    ...{ fps: 5, maxDelayMs: 300 },
  });
  assertEquals(time?.type, "time");
  assertEquals(acks as unknown, [4, 5, 6, 7].map((sequence) => ({ type: "ack", sequence })));
  const frames = [4, 5, 6, 7, 8].map((sequence) => `frame ${sequence}`);
  assertEquals(test.events, ["connecting", "welcome a", "config mjpeg", ...frames]);
  test.connection.close();
  const last = socket.sent.at(-1) as { type: string; sequence: number };
  assertEquals([last.type, last.sequence], ["ack", 8]);
});

Deno.test("Connection confirms a frame a little later, where no others follow", async () => {
  using test = setUp();
  test.connection.open();
  const socket = test.sockets[0]!.accept().welcome().config();
  for (const sequence of [1, 2, 3, 4]) socket.frame(sequence);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.send = (message) => resolve(JSON.parse(message));
  const { sequence, heldMs } =
    await (socket.frame(5), soon("an acknowledgement", promise)) as Record<string, number>;
  assertEquals(sequence, 5);
  assert(heldMs! >= 70, `${heldMs}`);
});

Deno.test("Connection counts what passed it by, and knows frames that it has seen", async () => {
  using test = setUp();
  test.connection.open();
  test.sockets[0]!.accept().welcome().config().frame(4).frame(7).end(1006);
  (await test.tried(2)).accept().welcome().config().frame(6).frame(7).frame(9);
  assertEquals(test.frames.map(({ isNew }) => isNew), [true, true, false, false, true]);
  assertEquals(test.connection.missed, 3);
});

Deno.test("Connection takes all frames of another run of the stream for new", async () => {
  using test = setUp();
  test.connection.open();
  test.sockets[0]!.accept().welcome("a").config().frame(400).end(1001);
  (await test.tried(2)).accept().welcome("b").config().frame(1);
  assertEquals(test.frames.map(({ isNew }) => isNew), [true, true]);
  assertEquals(test.connection.missed, 0);
});

Deno.test("Connection knows frames of a publisher's session again in another run, and has none shown twice", async () => {
  using test = setUp();
  test.connection.open();
  const session = "0123456789abcdef";
  const first = test.sockets[0]!.accept().welcome("a").config(1, { session, offset: 100 });
  first.frame(101).frame(103).end(1006);
  const second = (await test.tried(2)).accept().welcome("b").config(1, { session, offset: -2 });
  second.frame(1).frame(2).frame(4);
  // Another session's are all new.
  second.config(2, { session: "fedcba9876543210", offset: 4 }).frame(5, 2).end(1006);
  (await test.tried(3)).accept().welcome("c").config(1, { session, offset: 0 }).frame(1);
  assertEquals(
    test.frames.map(({ isNew, header }) => [isNew, header.catchUp]),
    [
      [true, false],
      [true, false],
      [false, true],
      [true, false],
      [true, false],
      [true, false],
      [true, false],
    ],
  );
  assertEquals(test.connection.missed, 2);
  const acks = (second.sent as { sequence?: number }[]).flatMap(({ sequence }) => sequence ?? []);
  assertEquals(acks, [1, 2, 4, 5]);
});

Deno.test("Connection tries again at once, and then asks first whether there is a server", async () => {
  let tries = 0;
  using test = setUp({ isServerThere: () => ++tries >= 3 });
  test.connection.open();
  test.sockets[0]!.accept().welcome().end(1006);
  (await test.tried(2)).end(1006);
  assertEquals(test.asked(), 0);
  (await test.tried(3)).accept().welcome();
  assertEquals(test.asked(), 3);
  assertEquals(test.events.filter((event) => event.startsWith("lost")), [
    "lost 1006, 0 failed",
    "lost 1006, 1 failed",
  ]);
});

Deno.test("Connection does not try again where the relay says that it is of no use", () => {
  for (const code of [4000, 4001, 4005, 4009, 1000, 1002, 1007]) {
    using test = setUp();
    test.connection.open();
    test.sockets[0]!.accept().end(code);
    assertEquals(test.events.at(-1), `lost ${code} for good, 1 failed`);
    test.connection.hurry();
    assertEquals(test.sockets.length, 1);
  }
});

Deno.test("Connection tries at once when it is told to hurry", async () => {
  using test = setUp({ isServerThere: () => false });
  test.connection.open();
  test.sockets[0]!.end(1006);
  (await test.tried(2)).end(1006);
  test.connection.hurry();
  assertEquals(test.sockets.length, 3);
  test.connection.hurry();
  assertEquals(test.sockets.length, 3);
});

Deno.test("Connection gives up what does not speak the protocol, or breaks it", () => {
  const broken: ((socket: FakeSocket) => void)[] = [
    (socket) => socket.accept(""),
    (socket) => socket.accept().welcome().frame(1),
    (socket) => socket.accept().welcome().config(1).frame(1, 2),
    (socket) => socket.accept().welcome().say({ type: "credit", frames: 1, bytes: 1, received: 0 }),
    (socket) => socket.accept().say({ type: "what" }),
  ];
  for (const act of broken) {
    using test = setUp();
    test.connection.open();
    act(test.sockets[0]!);
    assertEquals(test.events.at(-1), "lost 1002 for good, 0 failed");
    assertEquals(test.sockets[0]!.closedWith, 1000);
  }
});

Deno.test("Connection comes again for a key frame once the relay has let it go", () => {
  using test = setUp();
  test.connection.open();
  const first = test.sockets[0]!.accept().welcome().config().frame(1);
  test.connection.rejoin();
  test.connection.rejoin();
  assertEquals([first.closedWith, test.sockets.length], [1000, 1]);
  // What still comes is of no use.
  first.frame(2);
  first.end(1000);
  assertEquals(test.sockets.length, 2);
  assertEquals(test.events.at(-1), "connecting");
  test.sockets[1]!.accept().welcome().config().frame(1);
  assertEquals(test.frames.map(({ header }) => header.sequence), [1, 1]);
});

Deno.test("Connection that comes again waits for its own place in a full relay", async () => {
  using test = setUp();
  test.connection.open();
  test.sockets[0]!.accept().welcome();
  test.connection.rejoin();
  test.sockets[0]!.end(1000);
  test.sockets[1]!.accept().end(4005);
  assertEquals(test.events.at(-1), "lost 4005, 1 failed");
  (await test.tried(3)).accept().welcome();
  test.sockets[2]!.end(4005);
  assertEquals(test.events.at(-1), "lost 4005 for good, 0 failed");
});

Deno.test("Connection that is closed does nothing more", async () => {
  using test = setUp();
  test.connection.open();
  const socket = test.sockets[0]!.accept().welcome();
  test.connection.close();
  assertEquals(socket.closedWith, 1000);
  assert(socket.onclose === null && socket.onmessage === null);
  test.connection.hurry();
  test.connection.rejoin();
  await Promise.resolve();
  assertEquals(test.sockets.length, 1);
});

const EXPIRED: Admission = {
  sentence: "Cannot do this: the token has expired",
  waitMs: 0,
  isElsewhere: false,
};

Deno.test("Connection goes on with another token, once the first one has ended", async () => {
  let token = "old";
  using test = setUp({
    token: () => token,
    admission: (given) => given === "new" ? "admitted" : EXPIRED,
  });
  test.connection.open();
  const first = test.sockets[0]!.accept().welcome();
  token = "new";
  first.end(4008, "the token has expired");
  (await test.tried(2)).accept().welcome("b");
  assertEquals(test.events, [
    "connecting",
    "welcome a",
    "lost 4008, 0 failed",
    "connecting",
    "welcome b",
  ]);
  assertEquals(test.offered, [["stream.v1", "bearer.old"], ["stream.v1", "bearer.new"]]);
  assertEquals(test.reasons, ["the token has expired"]);
});

Deno.test("Connection escapes in a token what no subprotocol may have", () => {
  using test = setUp({ token: () => "b64+/w==" });
  test.connection.open();
  assertEquals(test.offered, [["stream.v1", "bearer.b64+%2fw%3d%3d"]]);
});

Deno.test("Connection sends a token that does not count no second time, and says why until it is told to try", async () => {
  for (const code of [4008, 1006]) {
    let token = "old";
    using test = setUp({
      token: () => token,
      admission: (given) => given === "new" ? "admitted" : EXPIRED,
    });
    test.connection.open();
    if (code === 4008) test.sockets[0]!.accept().welcome();
    test.sockets[0]!.end(code);
    await test.told(`lost 4008 for good, ${code === 4008 ? 0 : 1} failed`);
    assertEquals(test.reasons.at(-1), "the token has expired");
    test.connection.hurry();
    assertEquals(test.sockets.length, 1);
    token = "new";
    test.connection.open();
    test.sockets[1]!.accept().welcome();
    assertEquals(test.events.at(-1), "welcome a");
  }
});

Deno.test("Connection waits for as long as the relay says, and then asks again", async () => {
  const answers: Admission[] = [
    { sentence: "Cannot do this: too many", waitMs: 5, isElsewhere: false },
    "admitted",
  ];
  using test = setUp({ token: () => "one", admission: () => answers.shift()! });
  test.connection.open();
  test.sockets[0]!.end(1006);
  await test.told("lost 4008, 1 failed");
  assertEquals(test.reasons, ["too many (the next try is in 1 s)"]);
  (await test.tried(2)).accept().welcome();
  assertEquals(answers, []);
});

Deno.test("Connection asks for nothing before it has a token, and forgets one that comes too late", async () => {
  const waiting: ((token: string) => void)[] = [];
  using test = setUp({
    token: () => new Promise((resolve) => waiting.push(resolve)),
    admission: () => "admitted",
  });
  test.connection.open();
  assertEquals(test.sockets.length, 0);
  waiting[0]!("first");
  await test.tried(1);
  test.sockets[0]!.accept().welcome().end(1006);
  test.connection.hurry();
  // The token that this waits for comes when nobody waits for it any longer.
  test.connection.open();
  waiting[1]!("late");
  await Promise.resolve();
  assertEquals(test.sockets.length, 1);
  waiting[2]!("newest");
  await test.tried(2);
  assertEquals(test.offered.map((each) => each[1]), ["bearer.first", "bearer.newest"]);
});

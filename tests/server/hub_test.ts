/** What the streams of a relay share, with peers at sockets that a test holds in its hands. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Access, type Decision, openAccess } from "../../src/access/access.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { silentLog } from "../../src/host/log.ts";
import { eventually } from "../waiting.ts";
import type { Socket, SocketEvents } from "../../src/listen/listener.ts";
import { acceptPeer, type PeerRequest } from "../../src/relay/accept.ts";
import type { BareRole } from "../../src/relay/bare_peer.ts";
import { Hub } from "../../src/relay/hub.ts";
import { DEFAULT_OPTIONS, type RelayOptions } from "../../src/relay/options.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { frameOf } from "./fixture.ts";
import { fromPublisher } from "../wire/messages.ts";

const MIB = 1024 * 1024;

/** A hub whose clock a test moves. */
class Scene {
  nowMs = 0;
  readonly hub: Hub;

  constructor(options: Partial<RelayOptions> = {}, access: Access = openAccess) {
    this.hub = new Hub(
      {
        ...DEFAULT_OPTIONS,
        fps: "source",
        maxFrameBytes: MIB,
        maxMemoryBytes: 16 * MIB,
        maxViewers: 100,
        maxStreams: 10,
        ...options,
      },
      {
        clock: { nowMs: () => this.nowMs, wallUs: () => this.nowMs * 1000 },
        log: silentLog,
        access,
      },
    );
  }

  bare(role: BareRole, name = "live"): Ends {
    return this.#accept(role, name);
  }

  /** A peer that has said hello. */
  speaking(hello: Record<string, unknown>): Ends {
    const ends = this.#accept("stream.v1", "live");
    ends.peer.receive(JSON.stringify({ type: "hello", version: 1, ...hello }));
    return ends;
  }

  #accept(role: PeerRequest["role"], name: string): Ends {
    const socket = new FakeSocket();
    const asker = { address: "", token: undefined };
    const asked = {
      name,
      joinFrom: "key",
      asker,
      role,
      actions: [],
      untilMs: undefined,
      fault: undefined,
    } as const;
    return { socket, peer: acceptPeer(this.hub, socket, asked) };
  }

  maintainAt(nowMs: number): void {
    this.nowMs = nowMs;
    this.hub.maintain();
  }
}

/** A socket that keeps what is sent until a test lets it out. */
class FakeSocket implements Socket {
  unsentBytes = 0;
  readonly sent: (string | Uint8Array)[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  isBrokenOff = false;

  send(message: string | Uint8Array): void {
    this.sent.push(message);
    this.unsentBytes += message.length;
  }

  pause(): boolean {
    return false;
  }

  resume(): void {}

  breakOff(): boolean {
    this.isBrokenOff = true;
    return true;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  get frames(): number {
    return this.sent.filter((message) => typeof message !== "string").length;
  }
}

/** The relay's end of a connection, and the socket that it sends into. */
interface Ends {
  readonly socket: FakeSocket;
  readonly peer: SocketEvents;
}

function message(sequence: number, key: boolean): Uint8Array<ArrayBuffer> {
  return fromPublisher(sequence, frameOf(sequence, 1000), { key, configuration: key });
}

Deno.test("Hub closes a bare viewer with 4007 when nothing has drained for --stall-timeout", () => {
  const scene = new Scene();
  const stuck = scene.bare("watch");
  const sender = scene.bare("publish");
  scene.nowMs = 1000;
  sender.peer.receive(frameOf(1));
  assertEquals(stuck.socket.frames, 1);
  scene.maintainAt(10_999);
  assertEquals(stuck.socket.closed, undefined);
  scene.maintainAt(11_000);
  const { code, reason } = stuck.socket.closed!;
  assertEquals(code, 4007);
  assertStringIncludes(reason, "10000 ms (--stall-timeout)");
  assertEquals(scene.hub.refusals.total("stalled"), 1);
  // A stuck peer never answers: what comes now goes to nobody, and counts as nobody's.
  sender.peer.receive(frameOf(2));
  const live = scene.hub.find("live")!;
  const { viewers, sent, dropped } = live.status();
  assertEquals([viewers, sent.frames, dropped.disconnected], [0, 1, 1]);
  // Nobody missed it.
  assertEquals(live.newDrops(), []);
  // There is memory, and so it has time to read what has been sent, which counts until it is gone.
  assertEquals([stuck.socket.isBrokenOff, scene.hub.memory.underWay.used], [false, 8]);
  stuck.peer.closed();
  sender.peer.closed();
  assertEquals([scene.hub.memory.underWay.used, scene.hub.streams], [0, []]);
});

Deno.test("Hub breaks off at once who takes nothing where memory is short, and only those", () => {
  const scene = new Scene();
  const { memory } = scene.hub;
  const [bare, speaking, reading] = [
    scene.bare("watch"),
    scene.speaking({ role: "watch" }),
    scene.bare("watch"),
  ];
  const waiting = scene.bare("watch", "still");
  const sender = scene.bare("publish");
  sender.peer.receive(frameOf(1, 1000));
  reading.socket.unsentBytes = 0;
  assert(memory.underWay.take(memory.plan.shortBytes - 2000));
  scene.maintainAt(4999);
  assertEquals(bare.socket.closed, undefined);
  scene.maintainAt(5000);
  for (const { socket } of [bare, speaking]) {
    assertEquals([socket.closed?.code, socket.isBrokenOff], [4007, true]);
  }
  for (const { socket } of [reading, waiting]) assertEquals(socket.closed, undefined);
});

Deno.test("Hub keeps an eighth of the memory under way for viewers who take what they get", () => {
  const scene = new Scene({ maxMemoryBytes: 160_000 });
  const { memory } = scene.hub;
  const witness = scene.bare("watch", "small");
  const small = scene.bare("publish", "small");
  small.peer.receive(frameOf(1, 1000));
  witness.socket.unsentBytes = 0;
  const stuck = Array.from({ length: 8 }, () => scene.bare("watch"));
  const large = scene.bare("publish");
  large.peer.receive(frameOf(1, 10_000));
  const begun = () => stuck.filter(({ socket }) => socket.frames > 0).length;
  assertEquals([begun(), memory.underWay.used], [5, 51_000]);
  memory.underWay.hold(5000);
  const late = scene.bare("watch", "small");
  for (let n = 2; n <= 5; n++) {
    small.peer.receive(frameOf(n, 1000));
    witness.socket.unsentBytes = 0;
  }
  assertEquals([witness.socket.frames, late.socket.frames], [5, 0]);
  // Three found no room: whoever takes nothing gives way, although not all memory is used.
  memory.underWay.give(20_000);
  assert(memory.underWay.used < memory.plan.shortBytes);
  scene.maintainAt(5000);
  for (const { socket } of stuck.filter(({ socket }) => socket.frames > 0).slice(0, 5)) {
    assertEquals(socket.closed?.code, 4007);
  }
  assertEquals(witness.socket.closed, undefined);
  for (const { peer } of [...stuck, witness, late, small, large]) peer.closed();
});

Deno.test("Hub keeps pictures of as many streams as may be, also of those that their publishers have left", () => {
  const scene = new Scene({ maxStreams: 2 });
  const viewers = ["a", "b", "c"].map((name) => {
    const viewer = scene.bare("watch", name);
    const sender = scene.bare("publish", name);
    sender.peer.receive(frameOf(1, 1000));
    sender.peer.closed();
    return viewer;
  });
  const kept = scene.hub.streams.map(({ newestKey }) => newestKey !== undefined);
  assertEquals(kept, [false, true, true]);
  // Its viewers get what comes next.
  const again = scene.bare("publish", "a");
  again.peer.receive(frameOf(2, 1000));
  assertEquals(viewers.map(({ socket }) => socket.frames), [2, 1, 1]);
  for (const { peer } of [...viewers, again]) peer.closed();
  assertEquals(scene.hub.streams, []);
});

Deno.test("Hub takes no viewers in while those that it has closed hold half the memory, and then again", () => {
  const scene = new Scene({ maxMemoryBytes: 160_000 });
  const { memory, refusals } = scene.hub;
  const stuck = [1, 2, 3].map(() => scene.bare("watch"));
  const sender = scene.bare("publish");
  sender.peer.receive(frameOf(1, 10_000));
  scene.maintainAt(10_000);
  assertEquals(stuck.map(({ socket }) => socket.closed?.code), [4007, 4007, 4007]);
  assertEquals(memory.underWay.used, 30_000);
  const refused = scene.bare("watch");
  assertEquals(refused.socket.closed?.code, 1013);
  assertStringIncludes(refused.socket.closed!.reason, "--max-memory");
  assertEquals([refusals.total("memory"), refusals.total("full")], [1, 0]);
  stuck[0]!.peer.closed();
  assertEquals(memory.underWay.used, 20_000);
  assertEquals(scene.bare("watch").socket.closed, undefined);
  for (const { peer } of stuck.slice(1)) peer.closed();
});

Deno.test("Hub closes no bare viewer to whom something drains, or to whom nothing was sent", () => {
  const scene = new Scene();
  const slow = scene.bare("watch");
  const still = scene.bare("watch", "still");
  const sender = scene.bare("publish");
  for (let n = 1; n <= 60; n++) {
    scene.nowMs = n * 1000;
    sender.peer.receive(frameOf(n, 1000));
    if (n % 9 === 0) slow.socket.unsentBytes = 0;
    scene.hub.maintain();
  }
  assert(slow.socket.frames < 60);
  assertEquals([slow.socket.closed, still.socket.closed], [undefined, undefined]);
  for (const { peer } of [slow, still, sender]) peer.closed();
});

Deno.test("Hub closes no viewer for what it has not confirmed, while there is memory", () => {
  const scene = new Scene();
  const stuck = scene.speaking({ role: "watch" });
  const sender = scene.bare("publish");
  sender.peer.receive(frameOf(1));
  assertEquals(stuck.socket.frames, 1);
  scene.maintainAt(600_000);
  assertEquals(stuck.socket.closed, undefined);
  stuck.peer.closed();
  sender.peer.closed();
});

Deno.test("Hub has all memory back when the publisher and the viewers of a GOP stream have gone", () => {
  const scene = new Scene();
  const { hub } = scene;
  const publishing = scene.speaking({ role: "publish", session: "one", onFull: "drop" });
  publishing.peer.receive(encodeControl({ type: "config", epoch: 0, ...bareConfig("h264") }));
  const viewers = [scene.bare("watch"), scene.speaking({ role: "watch" })];
  for (let sequence = 1; sequence <= 30; sequence++) {
    publishing.peer.receive(message(sequence, sequence % 20 === 1));
  }
  // Four frames are under way to each; they wait for 26 more, of which one is the newest key frame.
  assertEquals([hub.memory.cached.used, hub.memory.underWay.used], [25_000, 8000]);
  for (const { peer } of viewers) peer.closed();
  publishing.peer.receive(message(31, false));
  assertEquals([hub.memory.cached.used, hub.memory.underWay.used], [10_000, 0]);
  const late = scene.speaking({ role: "watch" });
  publishing.peer.closed();
  assertEquals(hub.memory.cached.used, 10_000);
  late.peer.closed();
  assertEquals([hub.memory.cached.used, hub.memory.underWay.used, hub.streams], [0, 0, []]);
});

Deno.test("Hub shares the memory for those that come among its streams, and gives an old GOP none", () => {
  const scene = new Scene({ maxMemoryBytes: 8 * 30_000 });
  const { hub } = scene;
  const publishing = scene.speaking({ role: "publish", session: "one" });
  publishing.peer.receive(encodeControl({ type: "config", epoch: 0, ...bareConfig("h264") }));
  for (let sequence = 1; sequence <= 40; sequence++) {
    publishing.peer.receive(message(sequence, sequence === 1));
    assert(hub.memory.cached.used <= 30_000);
  }
  // The key frame is all that is left of a GOP of 40,000 bytes.
  const late = scene.speaking({ role: "watch" });
  assertEquals(late.socket.frames, 1);
  publishing.peer.receive(message(41, false));
  assertEquals(late.socket.frames, 1);
  publishing.peer.receive(message(42, true));
  publishing.peer.receive(message(43, false));
  assertEquals(late.socket.frames, 3);
  publishing.peer.closed();
  late.peer.closed();
  assertEquals(hub.memory.cached.used, 0);
});

Deno.test("Hub gives publishers whole bytes of credit, by however many streams it divides", () => {
  const scene = new Scene({ maxMemoryBytes: 16 * MIB });
  for (const name of ["a", "b"]) scene.bare("publish", name);
  const { socket } = scene.speaking({ role: "publish", session: "one" });
  assertEquals(scene.hub.streams.length, 3);
  const credits = socket.sent.map((sent) => JSON.parse(String(sent)))
    .filter(({ type }) => type === "credit");
  assert(credits.length > 0);
  for (const { bytes } of credits) assert(Number.isInteger(bytes), `${bytes} bytes`);
});

Deno.test("Hub keeps what 100 publishers of the largest frames send within --max-memory, and a small stream loses nothing", () => {
  for (const fps of ["source", 1] as const) {
    const scene = new Scene({ fps, maxStreams: 200 });
    const { hub } = scene;
    const witness = scene.bare("watch", "small");
    const small = scene.bare("publish", "small");
    const large = Array.from({ length: 100 }, (_, n) => {
      const watching = scene.bare("watch", `large-${n}`);
      return { watching, sending: scene.bare("publish", `large-${n}`) };
    });
    let most = 0;
    for (let n = 1; n <= 20; n++) {
      scene.nowMs += 1000;
      small.peer.receive(frameOf(n, 1000));
      for (const { sending, watching } of large) {
        // Of two in a second, one waits where there is a tick.
        for (let each = 0; each < 2; each++) {
          sending.peer.receive(frameOf(n, MIB));
          watching.socket.unsentBytes = 0;
          most = Math.max(most, hub.memory.kept.used);
        }
      }
      witness.socket.unsentBytes = 0;
    }
    // Half of it is for what publishers send, and two frames are on top.
    assert(most > 7 * MIB && most <= 10 * MIB, `${most} bytes`);
    const { received, dropped, queue } = hub.find("small")!.status();
    assertEquals([received.frames, dropped.queue_bytes], [20, 0]);
    assertEquals(witness.socket.frames + queue.frames, 20);
    const lost = hub.streams.reduce((sum, live) => sum + live.status().dropped.queue_bytes, 0);
    // Those that leave as they arrive get through, but for some that wait until a viewer is ready.
    assert(fps === "source" ? lost < 200 : lost > 500, `${lost} frames`);
    hub.stop();
  }
});

Deno.test("Hub counts a stream's last key frame, and the copy of it for viewers of the protocol", () => {
  const scene = new Scene();
  const { memory } = scene.hub;
  const [bare, speaking] = [scene.bare("watch"), scene.speaking({ role: "watch" })];
  const sender = scene.bare("publish");
  sender.peer.receive(frameOf(1, 1000));
  assertEquals(memory.kept.used, 1000 + 1032);
  scene.hub.find("live")!.forget();
  assertEquals(memory.kept.used, 0);
  for (const { peer } of [bare, speaking, sender]) peer.closed();
  assertEquals(memory.kept.used, 0);
});

Deno.test("Hub lets a stream alone have frames as large as may be, with as little memory as may be", () => {
  for (const fps of ["source", 1] as const) {
    const scene = new Scene({ fps, maxMemoryBytes: 2 * MIB });
    const viewer = scene.bare("watch");
    const sender = scene.bare("publish");
    for (let n = 1; n <= 10; n++) {
      scene.nowMs += 1000;
      sender.peer.receive(frameOf(n, MIB));
      viewer.socket.unsentBytes = 0;
    }
    const { dropped, sent, queue } = scene.hub.find("live")!.status();
    assertEquals([dropped.queue_bytes, sent.frames + queue.frames], [0, 10]);
    scene.hub.stop();
  }
});

Deno.test("Hub sends a viewer no more bytes a second than --max-viewer-rate says, and all viewers --max-rate", () => {
  const sentWith = (options: Partial<RelayOptions>) => {
    const scene = new Scene(options);
    const viewers = [1, 2, 3].map(() => scene.bare("watch"));
    const sender = scene.bare("publish");
    for (let n = 1; n <= 100; n++) {
      scene.nowMs = n * 100;
      sender.peer.receive(frameOf(n, 1000));
      for (const { socket } of viewers) socket.unsentBytes = 0;
    }
    const { sent, dropped } = scene.hub.find("live")!.status();
    for (const { peer } of [...viewers, sender]) peer.closed();
    assertEquals(scene.hub.memory.underWay.used, 0);
    return { kB: sent.bytes / 1000, rate: dropped.rate };
  };
  assertEquals(sentWith({}), { kB: 300, rate: 0 });
  for (const options of [{ maxViewerRate: 5000 }, { maxRate: 15_000 }]) {
    const { kB, rate } = sentWith(options);
    assert(kB >= 140 && kB <= 160, `${kB} kB`);
    // One may wait for each viewer.
    assert(kB + rate >= 297, `${rate} frames`);
  }
});

for (const role of ["publish", "watch"]) {
  Deno.test(`Hub lets nobody ${role} about whom it is decided when the relay stops already`, async () => {
    const decision = Promise.withResolvers<Decision>();
    const scene = new Scene({}, { authorize: () => decision.promise });
    const { socket } = scene.speaking({ role, session: "one" });
    scene.hub.refuse();
    decision.resolve("allowed");
    await eventually("the end", () => socket.closed !== undefined);
    assertEquals(socket.closed, { code: 1001, reason: "the relay is stopping" });
    assertEquals([socket.sent, scene.hub.streams], [[], []]);
  });

  Deno.test(`Hub lets nobody ${role} about whom it is decided when he has gone`, async () => {
    const decision = Promise.withResolvers<Decision>();
    const scene = new Scene({}, { authorize: () => decision.promise });
    const { socket, peer } = scene.speaking({ role, session: "one" });
    peer.closed();
    decision.resolve("allowed");
    await decision.promise;
    assertEquals([socket.sent, scene.hub.streams], [[], []]);
  });
}

for (
  const kind of ["bare", "with credit", "both, by its publisher", "both, by its viewer"] as const
) {
  Deno.test(`Hub takes nothing from a publisher that was ended, however long it stays: ${kind}`, async () => {
    const scene = new Scene();
    const { socket, peer } = kind === "with credit"
      ? scene.speaking({ role: "publish", session: "one", onFull: "wait" })
      : scene.bare(kind === "bare" ? "publish" : "both");
    const live = scene.hub.find("live")!;
    const viewer = scene.bare("watch");
    if (kind === "with credit") {
      peer.receive(encodeControl({ type: "config", epoch: 0, ...bareConfig("raw") }));
    }
    const send = (sequence: number) =>
      peer.receive(kind === "with credit" ? message(sequence, true) : frameOf(sequence));
    send(1);
    assertEquals([live.status().received.frames, viewer.socket.frames], [1, 1]);
    if (kind === "both, by its viewer") {
      assertEquals(await scene.hub.endViewer(live, live.viewerStatuses(1)[0]!.id, "go"), "ended");
    } else assertEquals(scene.hub.endPublishers(live, "go"), 1);
    assertEquals(socket.closed, { code: 4009, reason: "go" });
    send(2);
    peer.receive(encodeControl({ type: "time", clientUs: 1, roundTripUs: null }));
    assertEquals([live.status().received.frames, viewer.socket.frames], [1, 1]);
    // Whoever comes next has the stream, and is not disturbed by the end of the other.
    const next = scene.bare("publish");
    next.peer.receive(frameOf(3));
    peer.closed();
    next.peer.receive(frameOf(4));
    assertEquals([live.status().received.frames, live.isPublishing], [3, true]);
    assertEquals(scene.hub.endPublishers(live, "go"), 1);
  });
}

Deno.test("Hub counts a viewer that was ended as gone, however long its connection takes to end", async () => {
  const scene = new Scene();
  const ends = [scene.bare("watch"), scene.speaking({ role: "watch" })];
  const sender = scene.bare("publish");
  sender.peer.receive(frameOf(1));
  const live = scene.hub.find("live")!;
  const ids = live.viewerStatuses(9).map(({ id }) => id);
  for (const [place, id] of ids.entries()) {
    assertEquals(await scene.hub.endViewer(live, id, "go"), "ended");
    assertEquals(await scene.hub.endViewer(live, id, "again"), "absent");
    const { socket, peer } = ends[place]!;
    const { frames } = socket;
    assertEquals(socket.closed, { code: 4009, reason: "go" });
    // It may have confirmed what it had before it knew.
    peer.receive(encodeControl({ type: "ack", sequence: 1 }));
    sender.peer.receive(frameOf(2 + place));
    assertEquals([socket.frames, socket.closed], [frames, { code: 4009, reason: "go" }]);
    peer.closed();
  }
  assertEquals([ids.length, live.status().viewers, scene.hub.memory.underWay.used], [2, 0, 0]);
});

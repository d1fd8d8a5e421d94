/** What the streams of a relay share, with peers at sockets that a test holds in its hands. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { silentLog } from "../../src/host/log.ts";
import { BarePeer, type BareRole } from "../../src/relay/bare_peer.ts";
import { Hub, type HubOptions } from "../../src/relay/hub.ts";
import { LocalFront } from "../../src/relay/local_front.ts";
import { ProtocolPeer } from "../../src/relay/protocol_peer.ts";
import { SocketPort } from "../../src/relay/socket_port.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { encodeFrameMessage } from "../../src/wire/frame_message.ts";
import { frameOf } from "./fixture.ts";

const MIB = 1024 * 1024;

/** A hub whose clock a test moves. */
class Scene {
  nowMs = 0;
  readonly hub: Hub;

  constructor(options: Partial<HubOptions> = {}) {
    this.hub = new Hub(
      {
        fps: "source",
        bufferMs: 5000,
        maxFrameBytes: MIB,
        maxMemoryBytes: 16 * MIB,
        maxViewers: 100,
        maxStreams: 10,
        stallTimeoutMs: 10_000,
        helloTimeoutMs: 5000,
        allowOrigins: [],
        ...options,
      },
      { nowMs: () => this.nowMs, wallUs: () => this.nowMs * 1000 },
      silentLog,
    );
  }

  bare(role: BareRole, name = "live"): Ends & { peer: BarePeer } {
    const { socket, port } = fakePort();
    return {
      socket,
      port,
      peer: new BarePeer(new LocalFront(this.hub), { name, joinFrom: "key" }, port, role),
    };
  }

  /** A peer that has said hello. */
  speaking(hello: Record<string, unknown>): Ends & { peer: ProtocolPeer } {
    const { socket, port } = fakePort();
    const peer = new ProtocolPeer(
      new LocalFront(this.hub),
      { name: "live", joinFrom: "key" },
      port,
    );
    peer.receive(JSON.stringify({ type: "hello", version: 1, ...hello }));
    return { socket, port, peer };
  }

  maintainAt(nowMs: number): void {
    this.nowMs = nowMs;
    this.hub.maintain();
  }
}

/** The part of a WebSocket that a port uses; what is sent stays in it until a test lets it out. */
class FakeSocket {
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  readonly sent: (string | Uint8Array)[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #close: (how: { code: number; reason: string }) => void;

  constructor() {
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = closed.promise;
    this.#close = closed.resolve;
  }

  send(message: string | Uint8Array): void {
    this.sent.push(message);
    this.bufferedAmount += message.length;
  }

  close(code: number, reason: string): void {
    this.readyState = WebSocket.CLOSING;
    this.#close({ code, reason });
  }

  get frames(): number {
    return this.sent.filter((message) => typeof message !== "string").length;
  }
}

/** The relay's end of a connection: what is sent into, and the test's hands. */
interface Ends {
  readonly socket: FakeSocket;
  readonly port: SocketPort;
}

function fakePort(): Ends {
  const socket = new FakeSocket();
  return { socket, port: new SocketPort(socket as unknown as WebSocket, MIB) };
}

function message(sequence: number, key: boolean): Uint8Array<ArrayBuffer> {
  return encodeFrameMessage({
    key,
    configuration: key,
    discontinuity: false,
    catchUp: false,
    leading: false,
    held: false,
    epoch: 0,
    sequence,
    ptsUs: null,
    captureUs: 1,
  }, frameOf(sequence, 1000));
}

Deno.test("Hub closes a bare viewer with 4007 when nothing has drained for --stall-timeout", async () => {
  const scene = new Scene();
  const stuck = scene.bare("watch");
  const sender = scene.bare("publish");
  scene.nowMs = 1000;
  sender.peer.receive(frameOf(1));
  assertEquals(stuck.socket.frames, 1);
  scene.maintainAt(10_999);
  assert(stuck.port.isOpen);
  scene.maintainAt(11_000);
  const { code, reason } = await stuck.socket.closed;
  assertEquals(code, 4007);
  assertStringIncludes(reason, "10000 ms (--stall-timeout)");
  // A stuck peer never answers: what comes now goes to nobody, and counts as nobody's.
  sender.peer.receive(frameOf(2));
  const live = scene.hub.find("live")!;
  const { viewers, sent, dropped } = live.status();
  assertEquals([viewers, sent.frames, dropped.disconnected], [0, 1, 1]);
  // Nobody missed it.
  assertEquals(live.newDrops(), []);
  stuck.peer.closed();
  sender.peer.closed();
  assertEquals([scene.hub.underWay.used, scene.hub.streams], [0, []]);
});

Deno.test("Hub closes no bare viewer to whom something drains, or to whom nothing was sent", () => {
  const scene = new Scene();
  const slow = scene.bare("watch");
  const still = scene.bare("watch", "still");
  const sender = scene.bare("publish");
  for (let n = 1; n <= 60; n++) {
    scene.nowMs = n * 1000;
    sender.peer.receive(frameOf(n, 1000));
    if (n % 9 === 0) slow.socket.bufferedAmount = 0;
    scene.hub.maintain();
  }
  assert(slow.socket.frames < 60);
  assert(slow.port.isOpen && still.port.isOpen);
  for (const { peer } of [slow, still, sender]) peer.closed();
});

Deno.test("Hub closes no viewer for what it has not confirmed, while there is memory", () => {
  const scene = new Scene();
  const stuck = scene.speaking({ role: "watch" });
  const sender = scene.bare("publish");
  sender.peer.receive(frameOf(1));
  assertEquals(stuck.socket.frames, 1);
  scene.maintainAt(600_000);
  assert(stuck.port.isOpen);
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
  assertEquals([hub.cached.used, hub.underWay.used], [25_000, 8000]);
  for (const { peer } of viewers) peer.closed();
  publishing.peer.receive(message(31, false));
  assertEquals([hub.cached.used, hub.underWay.used], [10_000, 0]);
  const late = scene.speaking({ role: "watch" });
  publishing.peer.closed();
  assertEquals(hub.cached.used, 10_000);
  late.peer.closed();
  assertEquals([hub.cached.used, hub.underWay.used, hub.streams], [0, 0, []]);
});

Deno.test("Hub shares the memory for those that come among its streams, and gives an old GOP none", () => {
  const scene = new Scene({ maxMemoryBytes: 8 * 30_000 });
  const { hub } = scene;
  const publishing = scene.speaking({ role: "publish", session: "one" });
  publishing.peer.receive(encodeControl({ type: "config", epoch: 0, ...bareConfig("h264") }));
  for (let sequence = 1; sequence <= 40; sequence++) {
    publishing.peer.receive(message(sequence, sequence === 1));
    assert(hub.cached.used <= 30_000);
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
  assertEquals(hub.cached.used, 0);
});

Deno.test("Hub gives publishers whole bytes of credit, by however many streams it divides", () => {
  const scene = new Scene({ maxMemoryBytes: 16 * MIB });
  for (const name of ["a", "b"]) scene.bare("watch", name);
  const { socket } = scene.speaking({ role: "publish", session: "one" });
  assertEquals(scene.hub.streams.length, 3);
  const credits = socket.sent.map((sent) => JSON.parse(String(sent)))
    .filter(({ type }) => type === "credit");
  assert(credits.length > 0);
  for (const { bytes } of credits) assert(Number.isInteger(bytes), `${bytes} bytes`);
});

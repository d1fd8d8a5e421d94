// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { acceptOf } from "../../src/bench/handshake.ts";
import { Crowd, type CrowdOptions } from "../../src/bench/crowd.ts";
import { maskedFrame, OPCODE } from "../../src/bench/message_reader.ts";
import { systemClock } from "../../src/host/clock.ts";
import { payloadOf, serverFrame } from "./frames.ts";
import { eventually, soon } from "../waiting.ts";

const FRAME = serverFrame(OPCODE.binary, payloadOf(20_000));
const FPS = 50;

/** A connection of a viewer, behind its handshake. */
interface Accepted extends Disposable {
  readonly request: string;
  readonly connection: Deno.Conn;
  /** Bytes that were written. */
  written: number;
}

/** A server that shakes hands, and what it gives its viewers. */
class Server implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  get url(): string {
    return `ws://127.0.0.1:${this.#listener.addr.port}/live`;
  }

  async accept(): Promise<Accepted> {
    const connection = await soon("a viewer to connect", this.#listener.accept());
    const bytes = new Uint8Array(4096);
    let request = "";
    while (!request.endsWith("\r\n\r\n")) {
      request += new TextDecoder().decode(bytes.subarray(0, (await connection.read(bytes))!));
    }
    const key = /Key: (\S+)/.exec(request)![1]!;
    const accepted: Accepted = {
      request,
      connection,
      written: 0,
      [Symbol.dispose]: () => connection.close(),
    };
    await write(
      accepted,
      new TextEncoder().encode(
        `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      ),
    );
    return accepted;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

async function write(accepted: Accepted, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    const count = await accepted.connection.write(bytes.subarray(start));
    start += count;
    accepted.written += count;
  }
}

/** Writes frames as fast as they are taken, until the connection ends. */
async function flood(accepted: Accepted): Promise<void> {
  try {
    for (;;) await write(accepted, FRAME);
  } catch {
    // The viewer has left, or the test has ended.
  }
}

function crowdOf(url: string, viewers: Partial<CrowdOptions["viewers"]>): Crowd {
  const all = { reading: 0, slow: 0, stalled: 0, ...viewers };
  const options = { url, isBare: true, viewers: all, fps: FPS, isStamped: true };
  return new Crowd(options, systemClock, () => {});
}

const nowMs = () => systemClock.wallUs() / 1000;

Deno.test("Crowd has slow viewers read half of the frames a second, one that reads all it can", async () => {
  using server = new Server();
  const crowd = crowdOf(server.url, { reading: 1, slow: 1 });
  const beganMs = nowMs();
  const joined = crowd.join();
  using one = await server.accept();
  using other = await server.accept();
  const flooding = [flood(one), flood(other)];
  await soon("all viewers to join", joined);
  crowd.window = { beginMs: beganMs, endMs: Infinity };
  await eventually("10 frames of the slow viewer, and four times as many of the other", () => {
    const { slowFrames, frames } = crowd.result().received;
    const mostFrames = (nowMs() - beganMs) * FPS / 2000;
    // The first frame is read at once.
    assert(slowFrames <= mostFrames + 2, `${slowFrames} frames, at most ${mostFrames} were due`);
    return slowFrames > 10 && frames > 4 * slowFrames;
  });
  crowd.close();
  await soon("the end of the connections", Promise.all(flooding));
});

Deno.test("Crowd has stalled viewers read nothing, and goes on beside them", async () => {
  using server = new Server();
  const crowd = crowdOf(server.url, { reading: 1, stalled: 1 });
  const joined = crowd.join();
  // Those that stall come first.
  using stalled = await server.accept();
  using reading = await server.accept();
  const flooding = [flood(stalled), flood(reading)];
  await soon("all viewers to join", joined);
  // What the system keeps for a connection is some megabytes.
  await eventually("100 MB to be written", () => reading.written >= 100e6);
  assert(stalled.written < 50e6, `${stalled.written} bytes`);
  assertEquals([crowd.connected, crowd.listening, crowd.result().failed], [2, 1, 0]);
  crowd.close();
  await soon("the end of the connections", Promise.all(flooding));
});

Deno.test("Crowd answers pings, and asks with its role", async () => {
  using server = new Server();
  const url = new URL(server.url);
  url.searchParams.set("join", "live");
  const crowd = crowdOf(url.href, { reading: 1 });
  const joined = crowd.join();
  using accepted = await server.accept();
  assert(accepted.request.startsWith("GET /live?join=live&role=watch HTTP/1.1\r\n"));
  await write(accepted, FRAME);
  await write(accepted, serverFrame(OPCODE.ping, Uint8Array.of(1, 2)));
  await soon("all viewers to join", joined);
  const pong = new Uint8Array(100);
  assertEquals(await accepted.connection.read(pong), 8);
  const mask = new DataView(pong.buffer).getUint32(2);
  assertEquals(pong.subarray(0, 8), maskedFrame(OPCODE.pong, Uint8Array.of(1, 2), mask));
  crowd.close();
});

Deno.test("Crowd gives up at the first that cannot connect, and counts all as failed", async () => {
  const gone = new Server();
  const { url } = gone;
  gone[Symbol.dispose]();
  const crowd = crowdOf(url, { reading: 1000 });
  await crowd.join();
  assertEquals([crowd.connected, crowd.result().failed], [0, 1000]);
  crowd.close();
});

Deno.test("Crowd counts a viewer that is closed, and one that the window finds unconnected", async () => {
  using server = new Server();
  const crowd = crowdOf(server.url, { reading: 2 });
  const joined = crowd.join();
  using closed = await server.accept();
  await write(closed, serverFrame(OPCODE.close, Uint8Array.of(0x0f, 0xa5)));
  await eventually("a viewer to fail", () => crowd.result().failed >= 1);
  // The other one's handshake is never answered.
  crowd.window = { beginMs: 0, endMs: 1 };
  assertEquals([crowd.connected, crowd.result().failed], [0, 2]);
  crowd.close();
  await soon("all viewers to join", joined);
});

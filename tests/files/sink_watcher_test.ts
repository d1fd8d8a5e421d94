// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import type { Sink, SinkFrame } from "../../src/files/sink.ts";
import { SinkWatcher, type SinkWatcherOptions } from "../../src/files/sink_watcher.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { ScriptedRelay, type ScriptedSocket, turn } from "../client/scripted_relay.ts";
import { soon } from "../waiting.ts";
import { toViewer, welcome } from "../wire/messages.ts";

/** A sink that keeps frames; each write takes so many milliseconds of the test's clock. */
class ListSink implements Sink {
  readonly pipeBytes?: number;
  readonly sequences: number[] = [];
  hasFinished = false;
  readonly #write: (frame: SinkFrame) => void;

  constructor(write: (frame: SinkFrame) => void = () => {}, pipeBytes?: number) {
    this.#write = write;
    if (pipeBytes !== undefined) this.pipeBytes = pipeBytes;
  }

  write(frame: SinkFrame): Promise<boolean> {
    this.#write(frame);
    this.sequences.push((frame as SinkFrame & { sequence: number }).sequence);
    return Promise.resolve(true);
  }

  finish(): Promise<void> {
    this.hasFinished = true;
    return Promise.resolve();
  }

  describe(): string {
    return "a list";
  }
}

function optionsOf(
  relay: ScriptedRelay,
  options: Partial<SinkWatcherOptions> = {},
): SinkWatcherOptions {
  return {
    ...relay,
    count: null,
    durationMs: null,
    every: 1,
    fps: null,
    maxDelayMs: 500,
    follow: false,
    clock: systemClock,
    log: silentLog,
    ...options,
  };
}

async function greeted(
  relay: ScriptedRelay,
  format: "mjpeg" | "h264" = "mjpeg",
): Promise<ScriptedSocket> {
  const socket = await relay.connection();
  await socket.control("hello");
  const config = { ...bareConfig(format), epoch: 1, session: "s", offset: 0 };
  socket.say(welcome("watch"), encodeControl({ type: "config", ...config }));
  return socket;
}

const SIGNAL = new AbortController().signal;

Deno.test("SinkWatcher confirms a frame once it must have been read from the pipe behind it", async () => {
  const relay = new ScriptedRelay();
  let nowMs = 0;
  const clock = { ...systemClock, nowMs: () => nowMs };
  // Each write waits for 10 ms: the pipe of one byte is full behind it.
  const sink = new ListSink(() => nowMs += 10, 1);
  const watcher = new SinkWatcher(optionsOf(relay, { clock, count: 3 }), sink);
  const running = watcher.run(SIGNAL);
  const socket = await greeted(relay);
  socket.say(toViewer(1));
  assertEquals((await socket.control("ack")).sequence, 1);
  socket.say(toViewer(2));
  while (sink.sequences.length < 2) await turn();
  await turn();
  assertEquals(socket.count("ack"), 0);
  // Another 10 ms, and whoever reads has taken that one, too.
  nowMs += 10;
  assertEquals((await socket.control("ack")).sequence, 2);
  socket.say(toViewer(3));
  await running;
  assertEquals([sink.sequences, sink.hasFinished], [[1, 2, 3], true]);
  // Whoever leaves has no part in it any more.
  assertEquals((await socket.control("ack")).sequence, 3);
});

Deno.test("SinkWatcher writes every n-th frame, and confirms all", async () => {
  const relay = new ScriptedRelay();
  const sink = new ListSink();
  const watcher = new SinkWatcher(optionsOf(relay, { every: 2 }), sink);
  const running = watcher.run(SIGNAL);
  const socket = await greeted(relay);
  socket.say(toViewer(1), toViewer(2), toViewer(3));
  for (const sequence of [1, 2, 3]) {
    assertEquals((await socket.control("ack")).sequence, sequence);
  }
  socket.say(encodeControl({ type: "end" }));
  await running;
  assertEquals([sink.sequences, watcher.stats().frames], [[1, 3], 2]);
});

Deno.test("SinkWatcher refuses every n-th frame of what is coded in time, and finishes its sink", async () => {
  const relay = new ScriptedRelay();
  const sink = new ListSink();
  const watcher = new SinkWatcher(optionsOf(relay, { every: 2 }), sink);
  const running = watcher.run(SIGNAL);
  const socket = await greeted(relay, "h264");
  socket.say(toViewer(1));
  await assertRejects(() => running, StreamError, "Cannot write every n-th frame of h264");
  assertEquals([sink.hasFinished, socket.closedBy], [true, 1000]);
});

Deno.test("SinkWatcher fails with what its sink fails with, and leaves the stream", async () => {
  const relay = new ScriptedRelay();
  const sink = new ListSink(() => {
    throw new StreamError("failed", "Cannot write: the disk is full");
  });
  const running = new SinkWatcher(optionsOf(relay), sink).run(SIGNAL);
  const socket = await greeted(relay);
  socket.say(toViewer(1));
  await assertRejects(() => running, StreamError, "the disk is full");
  assertEquals([sink.hasFinished, socket.closedBy], [true, 1000]);
});

Deno.test("SinkWatcher stops though nobody reads the pipe that it writes to, and says so", async () => {
  const relay = new ScriptedRelay();
  const writing = Promise.withResolvers<void>();
  const never = Promise.withResolvers<boolean>();
  const sink: Sink = {
    pipeBytes: 1,
    needsReader: true,
    write: () => {
      writing.resolve();
      return never.promise;
    },
    finish: () => Promise.resolve(),
    describe: () => "standard output",
  };
  const said: string[] = [];
  const log = { ...silentLog, warn: (message: string) => said.push(message) };
  const stop = new AbortController();
  const watcher = new SinkWatcher(optionsOf(relay, { log }), sink);
  const running = watcher.run(stop.signal);
  const socket = await greeted(relay);
  socket.say(toViewer(1), toViewer(2));
  await writing.promise;
  stop.abort("SIGTERM");
  await soon("the end", running);
  assertEquals(said, ["nobody reads standard output: its last frame is cut off"]);
  assertEquals([watcher.stats().frames, socket.closedBy], [0, 1000]);
});

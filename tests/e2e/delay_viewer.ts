/**
 * A viewer that measures each frame's delay, as a program of its own so that it can run on another
 * host: `delay_viewer.ts acknowledging URL FILE` writes what it receives to FILE and, when the stream has ended,
 * its measurements to standard output, as JSON. `delay_viewer.ts bare URL FILE` does so without a
 * protocol, until the connection ends, and measures no delay.
 *
 * @module
 */
import { systemClock } from "../../src/host/clock.ts";
import { openClientSocket } from "../../src/net/client_socket.ts";
import { connect } from "../../src/net/connection.ts";
import { Wakeup } from "../../src/net/wakeup.ts";
import { ViewerSession } from "../../src/wire/viewer_session.ts";

/** What was measured. */
export interface Delays {
  /** Milliseconds from capture to receipt of each frame that was not sent for catching up. */
  readonly delaysMs: readonly number[];
  /** The highest of each second. */
  readonly worstMs: readonly number[];
  readonly catchUpFrames: number;
  readonly bytes: number;
  /** Frames of the stream that did not come. */
  readonly skipped: number;
}

/** Watches the stream at `url` to its end. */
export async function measureDelays(url: string, file: string): Promise<Delays> {
  const clock = systemClock;
  const session = new ViewerSession({ fps: null, maxDelayMs: 500 });
  const wakeup = new Wakeup();
  const connection = await connect({
    url,
    openSocket: openClientSocket,
    wakeup,
    signal: new AbortController().signal,
  });
  using dump = await Deno.open(file, { write: true, create: true, truncate: true });
  const delaysMs: number[] = [];
  const worstMs: number[] = [];
  const startMs = clock.nowMs();
  let catchUpFrames = 0;
  let bytes = 0;
  let clockDueMs = startMs;
  const confirm = (message: string | undefined) => {
    if (message !== undefined) connection.send(message);
  };
  connection.send(session.open());
  for (;;) {
    if (clock.nowMs() >= clockDueMs && session.welcome !== undefined) {
      connection.send(session.askTime(clock.wallUs()));
      clockDueMs = clock.nowMs() + session.clockIntervalMs;
    }
    const message = connection.take();
    if (message === undefined) {
      if (connection.closed !== undefined) throw new Error("the relay closed the connection");
      confirm(session.confirmDue(clock.nowMs()));
      await wakeup.wait(clock, Math.min(clock.nowMs() + 1000, session.confirmDeadlineMs));
      continue;
    }
    const event = session.receive(message, clock.wallUs());
    if (typeof message === "string" && message.includes('"welcome"')) sayConnected();
    if (event.type === "end") break;
    if (event.type !== "frame") continue;
    const { header, data } = event;
    confirm(session.confirm(header.sequence, clock.nowMs()));
    bytes += data.byteLength;
    for (let start = 0; start < data.byteLength;) start += dump.writeSync(data.subarray(start));
    if (header.catchUp) {
      catchUpFrames++;
    } else {
      // Both hosts are one machine: its clock needs no comparison.
      const delayMs = (clock.wallUs() - header.captureUs) / 1000;
      delaysMs.push(delayMs);
      const second = Math.floor((clock.nowMs() - startMs) / 1000);
      worstMs[second] = Math.max(worstMs[second] ?? 0, delayMs);
    }
  }
  confirm(session.confirmRest(clock.nowMs()));
  connection.close(1000, "");
  const perSecond = Array.from(worstMs, (ms) => Math.round(ms ?? 0));
  return { delaysMs, worstMs: perSecond, catchUpFrames, bytes, skipped: session.skipped };
}

/** Writes what a viewer without a protocol gets from `url` until the connection ends. */
async function watchBare(url: string, file: string): Promise<Delays> {
  using dump = await Deno.open(file, { write: true, create: true, truncate: true });
  let bytes = 0;
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await new Promise<void>((resolve) => {
    socket.onopen = sayConnected;
    socket.onmessage = ({ data }) => {
      const frame = new Uint8Array(data);
      bytes += frame.byteLength;
      for (let start = 0; start < frame.byteLength;) start += dump.writeSync(frame.subarray(start));
    };
    socket.onclose = () => resolve();
  });
  return { delaysMs: [], worstMs: [], catchUpFrames: 0, bytes, skipped: 0 };
}

function sayConnected(): void {
  // deno-lint-ignore no-console
  console.error("connected");
}

if (import.meta.main) {
  const [kind, url, file] = Deno.args as [string, string, string];
  const delays = await (kind === "bare" ? watchBare(url, file) : measureDelays(url, file));
  // deno-lint-ignore no-console
  console.log(JSON.stringify(delays));
}

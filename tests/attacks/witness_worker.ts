/**
 * A stream that others must not disturb: its publisher and its viewer, in a thread of their own.
 *
 * @module
 */
import { threadScope } from "../../src/host/thread.ts";

/** What the thread is asked for. */
export type WitnessOrder =
  | {
    readonly type: "begin";
    readonly url: string;
    readonly fps: number;
    readonly bytes: number;
    readonly token: string | undefined;
  }
  /** The figures begin anew. */
  | { readonly type: "mark" }
  | { readonly type: "end" };

/** What came of the stream since the mark. */
export interface Testimony {
  readonly sent: number;
  readonly received: number;
  /** Frames that were left out between two that came, or did not come in the end. */
  readonly lost: number;
  /** The longest time between two frames that came, in milliseconds. */
  readonly gapMs: number;
  /** The longest way of a frame from publisher to viewer, in milliseconds. */
  readonly delayMs: number;
  /** How late the thread's own timer was at worst, which is in the figures above, in milliseconds. */
  readonly lateMs: number;
  /** Why a connection ended before it was asked to, if one did. */
  readonly ended: string | null;
}

/** What the thread tells. */
export type WitnessNews =
  | { readonly type: "live" }
  | { readonly type: "testimony"; readonly testimony: Testimony };

/** Frames that have to come until the stream counts as live. */
const LIVE_FRAMES = 10;
/** How long the last frames may take, in milliseconds. */
const LAST_MS = 20_000;

const scope = threadScope<WitnessOrder, WitnessNews>();
let viewer: WebSocket;
let publisher: WebSocket;
let timer: ReturnType<typeof setInterval> | undefined;
let sentTimes: number[] = [];
let sent = 0;
let last = -1;
let marked = 0;
let lost = 0;
let received = 0;
let lastMs = 0;
let gapMs = 0;
let delayMs = 0;
let lateMs = 0;
let ended: string | null = null;
let isEnding = false;
let isLive = false;

function opened(socket: WebSocket, who: string): Promise<void> {
  socket.binaryType = "arraybuffer";
  return new Promise((resolve) => {
    socket.onopen = () => resolve();
    socket.onclose = ({ code, reason }) => {
      if (isEnding) return;
      ended ??= `${who}: ${code} ${reason}`;
      resolve();
    };
  });
}

async function begin({ url, fps, bytes, token }: WitnessOrder & { type: "begin" }): Promise<void> {
  const protocols = token === undefined ? [] : [`bearer.${token}`];
  viewer = new WebSocket(`${url}?role=watch`, protocols);
  viewer.onmessage = ({ data }) => take(new DataView(data).getUint32(0), performance.now());
  await opened(viewer, "the viewer");
  publisher = new WebSocket(`${url}?role=publish`, protocols);
  await opened(publisher, "the publisher");
  const frame = new Uint8Array(bytes);
  const startMs = performance.now();
  // Steps of half a frame, so that a timer that is a little late costs nothing.
  timer = setInterval(() => {
    const nowMs = performance.now();
    const due = Math.floor((nowMs - startMs) * fps / 1000);
    if (due < sent) return;
    lateMs = Math.max(lateMs, nowMs - startMs - sent * 1000 / fps);
    // What was missed is not made up for: a camera would not either.
    while (sent <= due) {
      sentTimes[sent] = nowMs;
      new DataView(frame.buffer).setUint32(0, sent++);
      if (publisher.readyState === WebSocket.OPEN) publisher.send(frame);
    }
  }, 500 / fps);
}

function take(number: number, nowMs: number): void {
  if (number >= marked) {
    lost += number - Math.max(last, marked - 1) - 1;
    received++;
    gapMs = Math.max(gapMs, nowMs - lastMs);
    delayMs = Math.max(delayMs, nowMs - sentTimes[number]!);
  }
  last = number;
  lastMs = nowMs;
  if (last < LIVE_FRAMES || isLive) return;
  isLive = true;
  scope.postMessage({ type: "live" });
}

/** From here on frames count, and the time since the last one that came. */
function mark(): void {
  marked = sent;
  lastMs = performance.now();
  [lost, received, gapMs, delayMs, lateMs] = [0, 0, 0, 0, 0];
}

async function end(): Promise<void> {
  while (sent < marked + LIVE_FRAMES && ended === null) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  clearInterval(timer);
  const untilMs = performance.now() + LAST_MS;
  while (last < sent - 1 && ended === null && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  isEnding = true;
  lost += sent - 1 - Math.max(last, marked - 1);
  const testimony = { sent: sent - marked, received, lost, gapMs, delayMs, lateMs, ended };
  sentTimes = [];
  publisher.close();
  viewer.close();
  scope.postMessage({ type: "testimony", testimony });
}

scope.onmessage = async ({ data: order }) => {
  if (order.type === "begin") await begin(order);
  else if (order.type === "mark") mark();
  else await end();
};

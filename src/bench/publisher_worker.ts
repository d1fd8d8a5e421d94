/**
 * The thread of the publisher, whose pace nobody else disturbs.
 *
 * @module
 */
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { SourcePublisher } from "../files/source_publisher.ts";
import { type ErrorCode, StreamError } from "../errors.ts";
import { systemClock } from "../host/clock.ts";
import { silentLog } from "../host/log.ts";
import { threadScope } from "../host/thread.ts";
import type { Pass } from "../net/pass.ts";
import { BarePublisher } from "./bare_publisher.ts";
import { LoadSource, type LoadSourceOptions } from "./load_source.ts";
import { ThreadUsage, type Usage } from "./thread_usage.ts";
import type { Window } from "./window.ts";

/** What the thread is asked for, in this order; rate and window may be set again. */
export type PublisherOrder =
  | {
    readonly type: "publish";
    readonly url: string;
    readonly pass: Pass;
    readonly isBare: boolean;
    readonly options: LoadSourceOptions;
  }
  | { readonly type: "fps"; readonly fps: number }
  /** The window, before it begins or ends. */
  | { readonly type: "window"; readonly window: Window }
  /** The window is over: tell what was sent. */
  | { readonly type: "end" }
  | { readonly type: "close" };

/** What the thread tells. */
export type PublisherNews =
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string }
  /** The first frame is under way. */
  | { readonly type: "live" }
  | {
    readonly type: "result";
    /** Frames sent in the window. */
    readonly published: number;
    /** The part of frames that were late by more than a tick, 0 to 1. */
    readonly lateShare: number;
    readonly usage: Usage;
  }
  | { readonly type: "closed" };

/** How often it is looked whether the first frame has left, in milliseconds. */
const LIVE_STEP_MS = 5;

const scope = threadScope<PublisherOrder, PublisherNews>();
const clock = systemClock;
const threadUsage = new ThreadUsage(clock);
let source: LoadSource | undefined;
let publisher: SourcePublisher | BarePublisher | undefined;
let droppedBefore: number | undefined;
let isOver = false;

scope.onmessage = async ({ data: order }) => {
  switch (order.type) {
    case "publish":
      try {
        await publish(order);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        // The publisher's own advice is for `stream publish`.
        const message = error.message.replace(
          /; choose another name.*$/,
          "; choose another name, or load it as it is with --viewers-only",
        );
        scope.postMessage({ type: "failed", code: error.code, message });
      } finally {
        isOver = true;
        scope.postMessage({ type: "closed" });
      }
      break;
    case "fps":
      source!.fps = order.fps;
      break;
    case "window":
      source!.window = order.window;
      setTimeout(() => {
        threadUsage.begin();
        droppedBefore ??= publisher!.stats().dropped;
      }, Math.max(0, order.window.beginMs - clock.wallUs() / 1000));
      break;
    case "end": {
      const { frames, late } = source!.made();
      const dropped = publisher!.stats().dropped - (droppedBefore ?? 0);
      scope.postMessage({
        type: "result",
        published: Math.max(0, frames - dropped),
        lateShare: frames + late === 0 ? 0 : late / (frames + late),
        usage: threadUsage.end(),
      });
      break;
    }
    case "close":
      source?.stop();
      if (isOver) scope.postMessage({ type: "closed" });
  }
};

async function publish(
  { url, pass, isBare, options }: Extract<PublisherOrder, { type: "publish" }>,
): Promise<void> {
  source = new LoadSource(options, clock);
  const lost = new AbortController();
  publisher = isBare ? new BarePublisher(url, pass) : new SourcePublisher({
    url,
    ...pass,
    takeover: false,
    // It keeps its pace, and the relay's queue has nothing to say about that.
    onFull: "drop",
    clock,
    // A load that was interrupted measures nothing: there is no second try.
    log: { ...silentLog, warn: (message) => lost.abort(message) },
  });
  const running = publisher instanceof BarePublisher
    ? publisher.run(source)
    : publisher.run(source, lost.signal);
  await Promise.race([running, live()]);
  await running;
  if (lost.signal.aborted) {
    const why = String(lost.signal.reason).replace(/; trying again.*/, "");
    throw new StreamError("failed", `Cannot publish to ${url}: ${why}`);
  }
}

async function live(): Promise<void> {
  while (!isOver && publisher!.stats().frames === 0) {
    await delay(LIVE_STEP_MS);
  }
  if (!isOver) scope.postMessage({ type: "live" });
}

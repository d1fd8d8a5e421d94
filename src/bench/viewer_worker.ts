/**
 * A thread of viewers.
 *
 * @module
 */
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import type { ErrorCode } from "../errors.ts";
import { systemClock } from "../host/clock.ts";
import { threadScope } from "../host/thread.ts";
import { Crowd, type CrowdOptions, type CrowdResult } from "./crowd.ts";
import { ThreadUsage, type Usage } from "./thread_usage.ts";
import type { Window } from "./window.ts";

/** What the thread is asked for, in this order; the window may be set again. */
export type ViewerOrder =
  | { readonly type: "join"; readonly options: CrowdOptions }
  /** The window, before it begins or ends. */
  | { readonly type: "window"; readonly window: Window }
  /** The window is over: tell what was counted. */
  | { readonly type: "end" }
  | { readonly type: "close" };

/** What the thread tells. */
export type ViewerNews =
  /** A viewer could not connect or was closed; `left` are connected and read. */
  | {
    readonly type: "lost";
    readonly code: ErrorCode;
    readonly message: string;
    readonly left: number;
  }
  /** All have tried to join. */
  | { readonly type: "joined"; readonly connected: number; readonly left: number }
  | { readonly type: "result"; readonly result: CrowdResult; readonly usage: Usage }
  | { readonly type: "closed" };

/** How long frames that were sent in the window may take behind its end, in milliseconds. */
const THROUGH_MS = 1000;
const THROUGH_STEP_MS = 10;

const scope = threadScope<ViewerOrder, ViewerNews>();
const clock = systemClock;
const threadUsage = new ThreadUsage(clock);
let crowd: Crowd | undefined;

scope.onmessage = async ({ data: order }) => {
  switch (order.type) {
    case "join":
      crowd = new Crowd(order.options, clock, ({ code, message }) => {
        scope.postMessage({ type: "lost", code, message, left: crowd!.listening });
      });
      await crowd.join();
      scope.postMessage({
        type: "joined",
        connected: crowd.connected,
        left: crowd.listening,
      });
      break;
    case "window":
      crowd!.window = order.window;
      setTimeout(
        () => threadUsage.begin(),
        Math.max(0, order.window.beginMs - clock.wallUs() / 1000),
      );
      break;
    case "end": {
      const usage = threadUsage.end();
      const untilMs = clock.nowMs() + THROUGH_MS;
      while (!crowd!.isThrough && clock.nowMs() < untilMs) {
        await delay(THROUGH_STEP_MS);
      }
      scope.postMessage({ type: "result", result: crowd!.result(), usage });
      break;
    }
    case "close":
      crowd?.close();
      scope.postMessage({ type: "closed" });
  }
};

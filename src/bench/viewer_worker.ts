/**
 * A thread of viewers.
 *
 * @module
 */
import type { ErrorCode } from "../errors.ts";
import { systemClock } from "../host/clock.ts";
import { Crowd, type CrowdOptions, type CrowdResult } from "./crowd.ts";
import { ThreadUsage } from "./thread_usage.ts";
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
  | { readonly type: "result"; readonly result: CrowdResult; readonly cpuShare: number }
  | { readonly type: "closed" };

/** How long frames that were sent in the window may take behind its end, in milliseconds. */
const THROUGH_MS = 1000;
const THROUGH_STEP_MS = 10;

interface Scope {
  onmessage: ((event: MessageEvent<ViewerOrder>) => void) | null;
  postMessage(news: ViewerNews): void;
}

const scope = globalThis as unknown as Scope;
const clock = systemClock;
const usage = new ThreadUsage(clock);
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
        () => usage.begin(),
        Math.max(0, order.window.beginMs - clock.wallUs() / 1000),
      );
      break;
    case "end": {
      const cpuShare = usage.share();
      const untilMs = clock.nowMs() + THROUGH_MS;
      while (!crowd!.isThrough && clock.nowMs() < untilMs) {
        await new Promise((resolve) => setTimeout(resolve, THROUGH_STEP_MS));
      }
      scope.postMessage({ type: "result", result: crowd!.result(), cpuShare });
      break;
    }
    case "close":
      crowd?.close();
      scope.postMessage({ type: "closed" });
  }
};

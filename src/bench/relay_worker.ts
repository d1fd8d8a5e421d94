/**
 * A relay in a thread of its own, whose CPU can be told from that of its load.
 *
 * @module
 */
import { type ErrorCode, StreamError } from "../errors.ts";
import { systemClock } from "../host/clock.ts";
import { silentLog } from "../host/log.ts";
import { threadScope } from "../host/thread.ts";
import { serve, type ServeOptions } from "../server/serve.ts";
import { threadCpuSeconds } from "./thread_usage.ts";

/** What the thread is asked for; it ends by being terminated. */
export type RelayOrder =
  | { readonly type: "serve"; readonly options: ServeOptions }
  | { readonly type: "usage" };

/** What the thread tells. */
export type RelayNews =
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string }
  /** It listens at this HTTP address. */
  | { readonly type: "listening"; readonly address: string }
  | { readonly type: "usage"; readonly cpuSeconds: number };

const scope = threadScope<RelayOrder, RelayNews>();

scope.onmessage = async ({ data: order }) => {
  if (order.type === "usage") {
    scope.postMessage({ type: "usage", cpuSeconds: threadCpuSeconds() });
    return;
  }
  try {
    const { address } = await serve(order.options, {
      clock: systemClock,
      log: silentLog,
      signal: new AbortController().signal,
    });
    scope.postMessage({ type: "listening", address });
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    scope.postMessage({ type: "failed", code: error.code, message: error.message });
  }
};

/**
 * Answers that go on for as long as their client reads.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import { REFUSALS_BY_CODE } from "../relay/connection.ts";
import { nameFault } from "../wire/stream_name.ts";
import { text } from "./responses.ts";
import type { Asked, Here, There } from "./route.ts";

/** No cache may keep what is live, and no proxy may wait until it has enough of it. */
export const LIVE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store, no-cache, must-revalidate",
  pragma: "no-cache",
  "x-accel-buffering": "no",
};

/** Why nothing of a stream can be sent at all. */
export function refusal(
  { hub: { isStopping } }: Pick<There, "hub">,
  { name }: Pick<Asked, "name">,
  what: string,
): Response | undefined {
  const fault = nameFault(name);
  if (fault !== undefined) return text(404, `Cannot find ${what}: ${fault}\n`);
  return isStopping ? text(503, `Cannot send ${what}: the relay is stopping\n`) : undefined;
}

/** Has a viewer made, or answers why there can be none; `what` it would get of the stream. */
export function orRefused(
  { streams: { refusals } }: Pick<Here, "streams">,
  { name }: Pick<Asked, "name">,
  { what, make }: { readonly what: string; readonly make: () => Response },
): Response {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const reason = REFUSALS_BY_CODE.get(error.closeCode);
    if (reason !== undefined) {
      refusals.add(reason, `refused a viewer of "${name}": ${error.message}`);
    }
    return text(503, `Cannot send ${what}: ${error.message}\n`);
  }
}

/**
 * Which streams somebody may know of.
 *
 * @module
 */
import type { Action } from "../access/access.ts";
import type { Hub } from "../relay/hub.ts";
import type { LiveStream } from "../relay/live_stream.ts";
import type { Asked } from "./route.ts";

/** The streams that somebody may watch, or of which he may see what `action` is for. */
export async function visibleStreams(
  hub: Hub,
  { asker }: Pick<Asked, "asker">,
  action: Action = "watch",
): Promise<readonly LiveStream[]> {
  const { streams, guard } = hub;
  if (guard.isOpen) return streams;
  const rulings = await Promise.all(
    streams.map(({ name }) => guard.ask({ ...asker, action, stream: name }, "view")),
  );
  return streams.filter((_, index) => rulings[index]!.decision === "allowed");
}

/**
 * Ends publishers and viewers for somebody who may.
 *
 * @module
 */
import { nameFault } from "../wire/stream_name.ts";
import { unknownStream } from "./api.ts";
import { json } from "./responses.ts";
import type { Asked, There } from "./route.ts";

/** Longest reason that is told to whoever is ended, in characters. */
const MAX_REASON = 80;

/**
 * What would steer what shows it: controls (Unicode's Cc), marks of direction and the like (Cf), ends of
 * lines and paragraphs (Zl, Zp), and halves of characters (Cs).
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/** Ends whoever publishes a stream, and tells him why. */
export function endPublisher({ hub }: There, asked: Asked): Response {
  const { name } = asked;
  const reason = reasonIn(asked);
  const live = hub.find(name);
  const ended = live === undefined ? 0 : hub.endPublishers(live, toldReason(reason));
  if (ended === 0) return json(404, { error: nameFault(name) ?? `nobody publishes "${name}"` });
  note({ hub }, asked, { what: "its publisher is ended", reason, fields: { ended } });
  return json(200, { ended });
}

/** Ends one viewer of a stream, and tells it why. */
export async function endViewer({ hub }: There, asked: Asked): Promise<Response> {
  const { name, id } = asked;
  const live = hub.find(name);
  if (live === undefined) return unknownStream(name);
  const viewer = /^[1-9][0-9]{0,15}$/.test(id) ? Number(id) : undefined;
  const reason = reasonIn(asked);
  const end = viewer === undefined
    ? "absent"
    : await hub.endViewer(live, viewer, toldReason(reason));
  if (end === "unknown") {
    const error =
      "a thread of the relay has not said in time whether the viewer is there: try again";
    return json(503, { error });
  }
  if (viewer === undefined || end === "absent") {
    return json(404, {
      error: `no viewer of "${name}" has that id: it has left, or never was there`,
    });
  }
  note({ hub }, asked, { what: `its viewer ${viewer} is ended`, reason, fields: { viewer } });
  return json(200, { ended: 1 });
}

/** The reason that a request gives, on one line and not too long; empty where it gives none. */
function reasonIn({ url }: Asked): string {
  const given = (url.searchParams.get("reason") ?? "").slice(0, 4 * MAX_REASON);
  const line = given.replace(STEERING, " ").trim();
  return [...line].slice(0, MAX_REASON).join("");
}

/** What whoever is ended is told. */
function toldReason(reason: string): string {
  return `somebody who may has ended it${reason === "" ? "" : `: ${reason}`}`;
}

function note(
  { hub }: Pick<There, "hub">,
  { name: stream, asker: { address }, ids = {} }: Asked,
  { what, reason, fields }: {
    readonly what: string;
    readonly reason: string;
    readonly fields: Readonly<Record<string, number>>;
  },
): void {
  hub.guard.note({
    action: "admin",
    stream,
    address,
    ids,
    what: reason === "" ? what : `${what}, with the reason "${reason}"`,
    fields: { ...fields, ...(reason === "" ? {} : { why: reason }) },
  });
}

/**
 * Tells whether somebody may do something, and does nothing.
 *
 * @module
 */
import type { Action } from "../access/access.ts";
import { nameFault } from "../wire/stream_name.ts";
import { json } from "./responses.ts";
import type { Asked, Here } from "./route.ts";

/** What may be asked about. */
const ACTIONS: readonly Action[] = ["publish", "watch", "admin"];

/**
 * Says to whom the stream may be shown that it may; with `?action=`, whether he may do that, too. Pages ask
 * before they offer it, so that this is no refusal.
 */
export async function tellAccess({ streams }: Here, asked: Asked): Promise<Response> {
  const { url, name, asker } = asked;
  const given = url.searchParams.get("action");
  if (given === null) return new Response(null, { status: 204 });
  const action = ACTIONS.find((action) => action === given);
  if (action === undefined) {
    return json(400, { error: `action must be one of ${ACTIONS.join(", ")}` });
  }
  if (nameFault(name) !== undefined) return json(200, { allowed: false });
  const ruling = await streams.guard.ask({ ...asker, action, stream: name }, "offer");
  return json(200, { allowed: ruling.decision === "allowed" });
}

/**
 * The relay's numbers as JSON, and the change of a frame rate.
 *
 * @module
 */
// @ts-types="../../types/std_streams.d.ts"
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
// @ts-types="../../types/std_streams.d.ts"
import { toText } from "@std/streams/to-text";
import type { FrameRate } from "../core/pacing.ts";
import { MAX_FPS, MIN_FPS } from "../core/tick.ts";
import { messageOf } from "../errors.ts";
import { nameFault } from "../wire/stream_name.ts";
import { json } from "./responses.ts";
import type { Asked, There } from "./route.ts";
import { visibleStreams } from "./visible.ts";

/** Largest body of a request in bytes. */
export const MAX_BODY_BYTES = 4096;
/** Most viewers that are listed one by one. */
const MAX_LISTED_VIEWERS = 1000;

/** Lists the streams. */
export async function listStreams({ hub }: There, asked: Asked): Promise<Response> {
  const visible = await visibleStreams(hub, asked);
  return json(200, visible.map((live) => live.status()));
}

/** Tells the numbers of a stream. */
export function showStream({ hub }: There, { name }: Asked): Response {
  const live = hub.find(name) ?? hub.expected(name);
  return live === undefined ? unknownStream(name) : json(200, live.status());
}

/** Lists the viewers of a stream. */
export async function listViewers({ hub }: There, { name }: Asked): Promise<Response> {
  const live = hub.find(name);
  if (live === undefined) return unknownStream(name);
  return json(200, await hub.viewerStatuses(live, MAX_LISTED_VIEWERS));
}

/** Changes the frame rate of a stream. */
export async function changeStream(
  { hub }: There,
  { name, request, asker, ids = {} }: Asked,
): Promise<Response> {
  if (nameFault(name) !== undefined) return unknownStream(name);
  let fps: FrameRate;
  try {
    fps = readPatch(await body(request));
  } catch (error) {
    return json(400, { error: messageOf(error) });
  }
  const before = hub.find(name)?.fps;
  const live = hub.setFps(name, fps);
  if (fps !== before) {
    const { address } = asker;
    const what = before === undefined ? `it will have ${fps} fps` : `${before} to ${fps} fps`;
    hub.guard.note({ action: "admin", stream: name, address, ids, what, fields: { fps } });
  }
  return json(200, live.status());
}

/** Says that there is no stream of that name. */
export function unknownStream(name: string): Response {
  return json(404, {
    error: nameFault(name) ?? `there is no stream "${name}": nobody publishes or watches it`,
  });
}

async function body(request: Request): Promise<string> {
  if (request.body === null) return "";
  const limit = new LimitedBytesTransformStream(MAX_BODY_BYTES, { error: true });
  try {
    return await toText(request.body.pipeThrough(limit));
  } catch (cause) {
    throw new Error(`the body must be text of at most ${MAX_BODY_BYTES} bytes`, { cause });
  }
}

function readPatch(text: string): FrameRate {
  const example = `send {"fps": 60} or {"fps": "source"}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the body is not JSON; ${example}`);
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const unknown = isObject ? Object.keys(value as object).filter((key) => key !== "fps") : [];
  if (!isObject || unknown.length > 0 || !Object.hasOwn(value as object, "fps")) {
    const seen = unknown.length > 0 ? `the field "${unknown[0]}" cannot be changed` : "no fps";
    throw new Error(`the body contains ${seen}; ${example}`);
  }
  const { fps } = value as { fps: unknown };
  if (fps === "source") return fps;
  if (typeof fps !== "number" || !(fps >= MIN_FPS && fps <= MAX_FPS)) {
    throw new Error(
      `fps is ${JSON.stringify(fps)}, not a number from ${MIN_FPS} to ${MAX_FPS}; ${example}`,
    );
  }
  return fps;
}

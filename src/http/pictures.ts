/**
 * Streams over HTTP, for clients that know nothing of WebSockets: motion JPEG and single pictures.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";
import { text } from "./answer.ts";
import type { Hub } from "../relay/hub.ts";
import { MULTIPART_TYPE, timestamp } from "./multipart.ts";
import { pictureFault, type PictureFormat } from "./stream_pictures.ts";

/** What of a stream an address stands for. */
export interface PictureAddress {
  /** The stream's name. */
  readonly name: string;
  readonly kind: "mjpeg" | PictureFormat;
}

const KINDS: ReadonlyMap<string, PictureAddress["kind"]> = new Map([
  ["mjpeg", "mjpeg"],
  ["jpg", "jpeg"],
  ["png", "png"],
  ["stream", "mjpeg"],
  ["snapshot", "jpeg"],
]);

/** No cache may keep a picture, and no proxy may wait until it has enough of them. */
const LIVE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store, no-cache, must-revalidate",
  pragma: "no-cache",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/**
 * What picture an address stands for: `/NAME.mjpeg`, `/NAME.jpg` and `/NAME.png`, or as with
 * mjpg-streamer `/NAME?action=stream` and `/NAME?action=snapshot`.
 */
export function pictureAddress(path: string, query: URLSearchParams): PictureAddress | undefined {
  const action = query.get("action") ?? "";
  if (action === "stream" || action === "snapshot") {
    return { name: path === "/" ? DEFAULT_NAME : path.slice(1), kind: KINDS.get(action)! };
  }
  const [, name, ending] = /^\/(.+)\.(mjpeg|jpg|png)$/.exec(path) ?? [];
  return name === undefined ? undefined : { name, kind: KINDS.get(ending!)! };
}

/** Answers with one picture of a stream, or with the headers of motion JPEG alone. */
export async function pictures(hub: Hub, { name, kind }: PictureAddress): Promise<Response> {
  const fault = nameFault(name);
  if (fault !== undefined) return text(404, `Cannot find a picture: ${fault}\n`);
  if (hub.isStopping) return text(503, "Cannot send pictures: the relay stops\n");
  return kind === "mjpeg" ? motion(hub, name) : await still(hub, name, kind);
}

function motion(hub: Hub, name: string): Response {
  if (!hub.hasPublished(name)) {
    return text(404, `Cannot send pictures of "${name}": nobody has published to it so far\n`);
  }
  const config = hub.find(name)?.newestKey?.config;
  const fault = config === undefined ? undefined : pictureFault(name, config, "jpeg");
  if (fault !== undefined) return text(406, `${fault}\n`);
  const headers = { ...LIVE_HEADERS, "content-type": MULTIPART_TYPE, connection: "close" };
  return new Response(null, { headers });
}

async function still(hub: Hub, name: string, format: PictureFormat): Promise<Response> {
  const live = hub.find(name);
  const config = live?.newestKey?.config;
  if (live === undefined || config === undefined) {
    const seen = live === undefined ? "there is no such stream" : "no frame has come yet";
    return text(404, `Cannot make a picture of "${name}": ${seen}; publish to it\n`);
  }
  const fault = pictureFault(name, config, format);
  if (fault !== undefined) return text(406, `${fault}\n`);
  let picture;
  try {
    picture = await hub.pictures.of(live).newest(format);
  } catch (error) {
    return text(500, `Cannot make a picture of "${name}": ${messageOf(error)}\n`);
  }
  if (picture === undefined) {
    return text(503, `Cannot make a picture of "${name}": the stream has just ended\n`);
  }
  const { frame, data } = picture;
  const headers = {
    ...LIVE_HEADERS,
    "content-type": `image/${format}`,
    "content-length": String(data.byteLength),
    "last-modified": new Date(frame.captureUs / 1000).toUTCString(),
    "x-timestamp": timestamp(frame.captureUs),
  };
  return new Response(data, { headers });
}

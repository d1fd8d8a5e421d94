/**
 * Streams over HTTP, for clients that know nothing of WebSockets: motion JPEG and single pictures.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";
import { text } from "./answer.ts";
import { BodyPort } from "./body_port.ts";
import type { Hub } from "./hub.ts";
import { MjpegViewer } from "./mjpeg_viewer.ts";
import { MULTIPART_TYPE, type PartForm, timestamp } from "./multipart.ts";
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

/** Answers with pictures of a stream. */
export async function pictures(
  hub: Hub,
  request: Request,
  { name, kind }: PictureAddress,
): Promise<Response> {
  const fault = nameFault(name);
  if (fault !== undefined) return text(404, `Cannot find a picture: ${fault}\n`);
  if (hub.isStopping) return text(503, "Cannot send pictures: the relay stops\n");
  return kind === "mjpeg" ? motion(hub, request, name) : await still(hub, request, name, kind);
}

function motion(hub: Hub, request: Request, name: string): Response {
  const live = hub.find(name);
  const config = live?.newestKey?.config;
  const fault = config === undefined ? undefined : pictureFault(name, config, "jpeg");
  if (fault !== undefined) return text(406, `${fault}\n`);
  const headers = { ...LIVE_HEADERS, "content-type": MULTIPART_TYPE, connection: "close" };
  if (request.method === "HEAD") return new Response(null, { headers });
  try {
    return new Response(new MjpegViewer(hub, name, partForm(request)).body, { headers });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return text(503, `Cannot send pictures of "${name}": ${error.message}\n`);
  }
}

/** Browsers say that they show images or pages; programs take whatever comes. */
function partForm(request: Request): PartForm {
  return /image\/|text\/html/i.test(request.headers.get("accept") ?? "") ? "early" : "counted";
}

async function still(
  hub: Hub,
  request: Request,
  name: string,
  format: PictureFormat,
): Promise<Response> {
  const live = hub.find(name);
  const config = live?.newestKey?.config;
  if (live === undefined || config === undefined) {
    const seen = live === undefined ? "there is no such stream" : "no frame has come yet";
    return text(404, `Cannot make a picture of "${name}": ${seen}; publish to /${name}\n`);
  }
  const fault = pictureFault(name, config, format);
  if (fault !== undefined) return text(406, `${fault}\n`);
  let picture;
  try {
    picture = await hub.picturesOf(live).newest(format);
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
  if (request.method === "HEAD") return new Response(data, { headers });
  const body = send(hub, data);
  if (body !== undefined) return new Response(body, { headers });
  return text(503, `Cannot send a picture of "${name}": memory is short (--max-memory)\n`);
}

/** Sends one picture within the memory for all viewers; one of which nothing is taken is given up. */
function send(hub: Hub, data: Uint8Array<ArrayBuffer>): BodyPort["body"] | undefined {
  const bytes = data.byteLength;
  if (!hub.underWay.take(bytes)) return undefined;
  const { stallTimeoutMs } = hub.options;
  const port = new BodyPort(() => {
    clearInterval(timer);
    hub.underWay.give(bytes);
  });
  let takenBefore = 0;
  const timer = setInterval(() => {
    const { takenBytes } = port;
    if (takenBytes === takenBefore) {
      port.abort(new ProtocolError(CLOSE.stalled, `nothing taken for ${stallTimeoutMs} ms`));
    }
    takenBefore = takenBytes;
  }, stallTimeoutMs);
  port.send(data, bytes);
  port.finish();
  return port.body;
}

/**
 * Streams over HTTP, for clients that know nothing of WebSockets: motion JPEG and single pictures.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import { REFUSALS_BY_CODE } from "../relay/connection.ts";
import type { Streams } from "../relay/streams.ts";
import { CLOSE } from "../wire/close_code.ts";
import { nameFault } from "../wire/stream_name.ts";
import { MjpegViewer } from "./mjpeg_viewer.ts";
import { type PartForm, timestamp } from "./multipart.ts";
import { PacedBody } from "./paced_body.ts";
import { text } from "./responses.ts";
import type { Asked, Here, There } from "./route.ts";
import { pictureFault, type PictureFormat } from "./stream_pictures.ts";

/** No cache may keep a picture, and no proxy may wait until it has enough of them. */
const LIVE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store, no-cache, must-revalidate",
  pragma: "no-cache",
  "x-accel-buffering": "no",
};

/** Finds out whether a stream has motion JPEG: the head of the answer, or why there is none. */
export function findMotion({ hub }: There, { name }: Asked): Response {
  const refused = refusal(name, hub.isStopping);
  if (refused !== undefined) return refused;
  if (!hub.hasPublished(name)) {
    return text(404, `Cannot send pictures of "${name}": nobody has published to it yet\n`);
  }
  const config = hub.find(name)?.newestKey?.config;
  const fault = config === undefined ? undefined : pictureFault(name, config, "jpeg");
  if (fault !== undefined) return text(406, `${fault}\n`);
  return new Response(null, { headers: { ...LIVE_HEADERS, connection: "close" } });
}

/** Sends motion JPEG, as a viewer of the stream. */
export async function sendMotion(
  here: Here,
  { request, name }: Asked,
  there: () => Promise<Response>,
): Promise<Response> {
  const found = await there();
  if (!found.ok) return found;
  const { headers } = found;
  if (request.method !== "GET") {
    headers.set("content-type", here.pictures.boundary().type);
    return found;
  }
  try {
    const { body, type } = new MjpegViewer(here, name, partForm(request));
    headers.set("content-type", type);
    return new Response(body, { headers });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const reason = REFUSALS_BY_CODE.get(error.closeCode);
    if (reason !== undefined) {
      here.streams.refusals.add(reason, `refused a viewer of "${name}": ${error.message}`);
    }
    return text(503, `Cannot send pictures of "${name}": ${error.message}\n`);
  }
}

/** Makes a picture of a stream's newest frame, or says why there is none. */
export function findPicture(
  format: PictureFormat,
): (there: There, asked: Asked) => Promise<Response> {
  return async (there, { name }) =>
    refusal(name, there.hub.isStopping) ?? await still(there, name, format);
}

/** Sends one picture within the memory for all viewers. */
export async function sendPicture(
  { streams, pictures }: Here,
  { request, name }: Asked,
  there: () => Promise<Response>,
): Promise<Response> {
  // Until it is counted, a picture is there several times.
  return await pictures.copying.run(async () => {
    const found = await there();
    if (!found.ok || request.method !== "GET") return found;
    const picture = await found.bytes();
    const body = send(streams, picture);
    if (body !== undefined) return new Response(body, { headers: found.headers });
    release(picture);
    return short(streams, name);
  });
}

function short({ refusals }: Pick<Streams, "refusals">, name: string): Response {
  const why = "the relay is short of memory (--max-memory)";
  refusals.add("memory", `refused a picture of "${name}": ${why}`);
  return text(503, `Cannot send a picture of "${name}": ${why}\n`);
}

async function still(
  { hub, pictures }: There,
  name: string,
  format: PictureFormat,
): Promise<Response> {
  const live = hub.find(name);
  const newest = live?.newestKey;
  const config = newest?.config;
  if (live === undefined || config === undefined) {
    const seen = live === undefined ? "there is no such stream" : "no frame has arrived yet";
    return text(404, `Cannot make a picture of "${name}": ${seen}; publish to it first\n`);
  }
  const fault = pictureFault(name, config, format);
  if (fault !== undefined) return text(406, `${fault}\n`);
  // Copies that nobody can be sent are not made.
  const { underWay, plan } = hub.memory;
  if (underWay.used + newest!.data.byteLength > underWay.limit - plan.reserveBytes) {
    return short(hub, name);
  }
  let picture;
  try {
    picture = await pictures.of(live).newest(format);
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

function refusal(name: string, isStopping: boolean): Response | undefined {
  const fault = nameFault(name);
  if (fault !== undefined) return text(404, `Cannot find a picture: ${fault}\n`);
  return isStopping ? text(503, "Cannot send pictures: the relay is stopping\n") : undefined;
}

/** Browsers say that they show images or pages; programs take whatever comes. */
function partForm(request: Request): PartForm {
  return /image\/|text\/html/i.test(request.headers.get("accept") ?? "") ? "early" : "counted";
}

/** Sends one picture within the memory for all viewers; one of which nothing is taken is given up. */
function send(
  { memory, options }: Streams,
  data: Uint8Array<ArrayBuffer>,
): PacedBody["body"] | undefined {
  const bytes = data.byteLength;
  if (!memory.underWay.take(bytes, memory.plan.reserveBytes)) return undefined;
  const { stallTimeoutMs } = options;
  const paced = new PacedBody(() => {
    clearInterval(timer);
    memory.underWay.give(bytes);
  });
  let takenBefore = 0;
  const timer = setInterval(() => {
    const { takenBytes } = paced;
    if (takenBytes === takenBefore) {
      paced.abort(
        new ProtocolError(CLOSE.stalled, `the client has read nothing for ${stallTimeoutMs} ms`),
      );
    }
    takenBefore = takenBytes;
  }, stallTimeoutMs);
  paced.send(data, bytes);
  paced.finish();
  return paced.body;
}

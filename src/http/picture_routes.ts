/**
 * Streams over HTTP, for clients that know nothing of WebSockets: motion JPEG and single pictures.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import type { Streams } from "../relay/streams.ts";
import { CLOSE } from "../wire/close_code.ts";
import { LIVE_HEADERS, orRefused, refusal } from "./live_answer.ts";
import { sendParts } from "./mjpeg_viewer.ts";
import { type PartForm, timestamp } from "./multipart.ts";
import { PacedBody } from "./paced_body.ts";
import { text } from "./responses.ts";
import type { Asked, AskThere, Here, There } from "./route.ts";
import { NO_MEMORY, type SharedPicture } from "./shared_pictures.ts";
import { pictureFault, type PictureFormat } from "./stream_pictures.ts";

/** Finds out whether a stream has motion JPEG: the head of the answer, or why there is none. */
export function findMotion(there: There, asked: Asked): Response {
  const { hub } = there;
  const { name } = asked;
  const refused = refusal(there, asked, "a picture");
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
  asked: Asked,
  there: () => Promise<Response>,
): Promise<Response> {
  const { request, name } = asked;
  const found = await there();
  if (!found.ok) return found;
  const { headers } = found;
  if (request.method !== "GET") {
    headers.set("content-type", here.pictures.boundary().type);
    return found;
  }
  return orRefused(here, asked, {
    what: `pictures of "${name}"`,
    make: () => {
      const { body, type } = sendParts(here, asked, partForm(request));
      headers.set("content-type", type);
      return new Response(body, { headers });
    },
  });
}

/** Makes a picture of a stream's newest frame, or says why there is none. */
export function findPicture(
  format: PictureFormat,
): (there: There, asked: Asked) => Promise<Response> {
  return async (there, asked) =>
    refusal(there, asked, "a picture") ?? await still(there, asked, format);
}

/** Sends one picture within the memory for all viewers. */
export function sendPicture(
  format: PictureFormat,
): (here: Here, asked: Asked, there: AskThere) => Promise<Response> {
  return async ({ streams, pictures }, asked, there) => {
    const { request, name } = asked;
    const found = await pictures.shared.get({
      memory: streams.memory,
      key: `${name}.${format}`,
      find: (tag) => there({ ...asked, request: askingFor(request, tag) }),
    });
    if (found instanceof Response) return found;
    if (found === "short") return short(streams, name);
    if (request.method === "GET") {
      return new Response(send(streams, found), { headers: found.headers });
    }
    found.drop();
    return new Response(null, { headers: found.headers });
  };
}

/** The same request by somebody who has the picture known by `tag`. */
function askingFor(request: Request, tag: string | null): Request {
  const headers = new Headers(request.headers);
  headers.delete("if-none-match");
  if (tag !== null) headers.set("if-none-match", tag);
  return new Request(request.url, { headers });
}

function short({ refusals }: Pick<Streams, "refusals">, name: string): Response {
  const why = "the relay is short of memory (--max-memory)";
  refusals.add("memory", `refused a picture of "${name}": ${why}`);
  return text(503, `Cannot send a picture of "${name}": ${why}\n`);
}

async function still(
  { hub, pictures }: There,
  { request, name }: Asked,
  format: PictureFormat,
): Promise<Response> {
  const live = hub.find(name);
  const config = live?.newestKey?.config;
  if (live === undefined || config === undefined) {
    const seen = live === undefined ? "there is no such stream" : "no frame has arrived yet";
    return text(404, `Cannot make a picture of "${name}": ${seen}; publish to it first\n`);
  }
  const fault = pictureFault(name, config, format);
  if (fault !== undefined) return text(406, `${fault}\n`);
  let picture;
  try {
    const newest = pictures.of(live).newest(format);
    // A frame that was not waited for is still there.
    picture = newest instanceof Promise ? await newest : newest;
  } catch (error) {
    return text(500, `Cannot make a picture of "${name}": ${messageOf(error)}\n`);
  }
  if (picture === undefined) {
    return text(503, `Cannot make a picture of "${name}": the stream has just ended\n`);
  }
  const { frame, data, tag } = picture;
  if (request.headers.get("if-none-match") === tag) return new Response(null, { status: 304 });
  // Copies that nobody can be sent are not made.
  const { underWay, plan } = hub.memory;
  if (underWay.used + data.byteLength > underWay.limit - plan.reserveBytes) {
    return new Response(null, { status: NO_MEMORY });
  }
  const headers = {
    ...LIVE_HEADERS,
    "content-type": `image/${format}`,
    "content-length": String(data.byteLength),
    "last-modified": new Date(frame.captureUs / 1000).toUTCString(),
    "x-timestamp": timestamp(frame.captureUs),
    etag: tag,
  };
  return new Response(data, { headers });
}

/** Browsers say that they show images or pages; programs take whatever comes. */
function partForm(request: Request): PartForm {
  return /image\/|text\/html/i.test(request.headers.get("accept") ?? "") ? "early" : "counted";
}

/** Sends a picture to one of those who hold it; who takes nothing of it is given up. */
function send(
  { refusals, options: { stallTimeoutMs } }: Streams,
  picture: SharedPicture,
): PacedBody["body"] {
  const paced = new PacedBody(() => {
    clearInterval(timer);
    picture.drop();
  });
  let takenBefore = 0;
  const timer = setInterval(() => {
    const { takenBytes } = paced;
    if (takenBytes === takenBefore) {
      const why = `the client has read nothing for ${stallTimeoutMs} ms`;
      refusals.add("stalled", `gave up a picture: ${why}`);
      paced.abort(new ProtocolError(CLOSE.stalled, why));
    }
    takenBefore = takenBytes;
  }, stallTimeoutMs);
  paced.send([picture.data], picture.data.byteLength);
  paced.finish();
  return paced.body;
}

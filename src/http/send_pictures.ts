/**
 * Sends pictures to whoever asked for them, within the memory for all viewers.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { text } from "./answer.ts";
import { BodyPort } from "./body_port.ts";
import type { Front } from "../relay/front.ts";
import { MjpegViewer } from "./mjpeg_viewer.ts";
import type { PartForm } from "./multipart.ts";
import type { PictureAddress } from "./pictures.ts";

/** Makes of the answer for a picture, or for motion JPEG, one that is sent piece by piece. */
export async function sendPictures(
  front: Front,
  request: Request,
  { response, address: { name, kind } }: {
    readonly response: Response;
    readonly address: PictureAddress;
  },
): Promise<Response> {
  const { headers } = response;
  if (kind === "mjpeg") {
    try {
      return new Response(new MjpegViewer(front, name, partForm(request)).body, { headers });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return text(503, `Cannot send pictures of "${name}": ${error.message}\n`);
    }
  }
  const body = send(front, await response.bytes());
  if (body !== undefined) return new Response(body, { headers });
  return text(503, `Cannot send a picture of "${name}": memory is short (--max-memory)\n`);
}

/** Browsers say that they show images or pages; programs take whatever comes. */
function partForm(request: Request): PartForm {
  return /image\/|text\/html/i.test(request.headers.get("accept") ?? "") ? "early" : "counted";
}

/** Sends one picture within the memory for all viewers; one of which nothing is taken is given up. */
function send(front: Front, data: Uint8Array<ArrayBuffer>): BodyPort["body"] | undefined {
  const bytes = data.byteLength;
  if (!front.underWay.take(bytes)) return undefined;
  const { stallTimeoutMs } = front.options;
  const port = new BodyPort(() => {
    clearInterval(timer);
    front.underWay.give(bytes);
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

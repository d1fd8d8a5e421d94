/**
 * Streams as files that are read while they are written, for every player that reads HTTP.
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import { extensionsOf, LIVE_FILES, type LiveFile } from "../media/live_files.ts";
import { LIVE_HEADERS, orRefused, refusal } from "./live_answer.ts";
import { sendFile } from "./live_file_viewer.ts";
import { text } from "./responses.ts";
import type { Asked, AskThere, Here, Row, There } from "./route.ts";
import { pictureFault } from "./stream_pictures.ts";

/** A row for each kind of file. */
export const LIVE_FILE_ROWS: readonly Row[] = Object.entries(LIVE_FILES).map((
  [extension, file],
) => ({
  method: "GET",
  path: `/:path.${extension}`,
  actions: ["watch"],
  here: (here, asked, there) => send(here, asked, { file, extension, there }),
  there: (there, asked) => find(there, asked, { file, extension }),
}));

interface Kind {
  readonly file: LiveFile;
  readonly extension: string;
}

/** Finds out whether a stream can be had: the head of the answer, or why it cannot. */
function find(there: There, asked: Asked, { file, extension }: Kind): Response {
  const { hub } = there;
  const { name } = asked;
  const what = `"${name}" as .${extension}`;
  const refused = refusal(there, asked, what);
  if (refused !== undefined) return refused;
  if (!hub.hasPublished(name)) {
    return text(404, `Cannot send ${what}: nobody has published to it yet\n`);
  }
  const frame = hub.find(name)?.newestKey;
  const fault = frame === undefined ? undefined : fileFault(name, file, frame);
  if (fault !== undefined) return text(406, `Cannot send ${what}: ${fault}\n`);
  const headers = {
    ...LIVE_HEADERS,
    "content-type": file.type,
    // Players that ask for bytes from an offset on are told that there is one way to read it.
    "accept-ranges": "none",
    connection: "close",
  };
  return new Response(null, { headers });
}

/** Sends a file, as a viewer of the stream. */
async function send(
  here: Here,
  asked: Asked,
  { file, extension, there }: Kind & { readonly there: AskThere },
): Promise<Response> {
  const found = await there();
  if (!found.ok) return found;
  // A body of nothing would have a length of 0, which players believe.
  if (asked.request.method !== "GET") return new Response(endless(), { headers: found.headers });
  return orRefused(here, asked, {
    what: `"${asked.name}" as .${extension}`,
    make: () => new Response(sendFile(here, asked, file), { headers: found.headers }),
  });
}

/** A body of unknown length. */
function endless(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ pull: (controller) => controller.close() }, { highWaterMark: 0 });
}

/** Why a stream cannot be had as such a file, and as what it can. */
function fileFault(name: string, file: LiveFile, { config, data, ptsUs }: Frame) {
  const holds = file.holds(config);
  if (holds && file.open({ config, data, hasTimes: ptsUs !== null }) !== undefined) {
    return undefined;
  }
  const why = holds
    ? "its key frame does not say how to decode it"
    : `it cannot hold the stream's format, ${config.format}`;
  const others = [
    ...extensionsOf(config).filter((extension) => LIVE_FILES[extension] !== file),
    ...pictureFault(name, config, "jpeg") === undefined ? ["mjpeg"] : [],
  ].map((extension) => `${name}.${extension}`);
  const advice = others.length === 0 ? 'watch it with "stream watch"' : `use ${listed(others)}`;
  return `${why}; ${advice}`;
}

function listed(names: readonly string[]): string {
  const last = names.at(-1)!;
  return names.length === 1 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}

/**
 * The streams as text, for people who ask without a browser.
 *
 * @module
 */
import { totalDrops } from "../core/drops.ts";
import { publicAddress } from "./request_path.ts";
import { text } from "./responses.ts";
import type { Asked, Here, There } from "./route.ts";
import { visibleStreams } from "./visible.ts";

/** Lists the streams. */
export async function overview({ hub }: There, asked: Asked): Promise<Response> {
  const { socket, http } = publicAddress(asked);
  const rows = (await visibleStreams(hub, asked)).map((live) => {
    const { name, format, width, height, fps, publishing, viewers, dropped } = live.status();
    const size = width === null ? "" : ` ${width}x${height}`;
    const drops = totalDrops(dropped) - dropped.disconnected;
    return `  ${socket}/${name}  ${format ?? "no frame yet"}${size}  ${fps} fps  ` +
      `${publishing ? "live" : "no publisher"}  viewers ${viewers}  drops ${drops}\n`;
  });
  const list = rows.length > 0 ? rows.join("") : [
    "  none yet; this starts one:\n",
    `    stream publish --test-pattern ${socket}/live\n`,
  ].join("");
  return text(
    200,
    `stream: a live video frame relay\n\nstreams:\n${list}\nas JSON: ${http}/api/streams\n`,
    { vary: "accept" },
  );
}

/** Says how to watch a stream. */
export function howToWatch(_: Here, asked: Asked): Response {
  const { socket } = publicAddress(asked);
  return text(426, `A stream is a WebSocket: stream watch ${socket}/${asked.name}\n`, {
    upgrade: "websocket",
    connection: "upgrade",
    vary: "accept",
  });
}

/**
 * Answers to requests over HTTP, for whichever thread they came to.
 *
 * @module
 */
import { totalDrops } from "../core/drops.ts";
import { nameFault } from "../wire/stream_name.ts";
import { isReading, notAllowed, text } from "./answer.ts";
import { api } from "./api.ts";
import type { Hub } from "../relay/hub.ts";
import { metricsText } from "./metrics.ts";
import { asset, notFoundPage, wantsPage } from "./pages.ts";
import { pictureAddress, pictures } from "./pictures.ts";
import { decodedPath, type PublicAddress, publicAddress } from "./request_path.ts";

const ASSETS_FOLDER = "/assets/";

/**
 * Answers a request for anything but a WebSocket; of motion JPEG with the headers alone, or why there
 * is none.
 */
export async function answerOf(hub: Hub, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const path = decodedPath(url.pathname);
  const { allowOrigins } = hub.options;
  const page = (name: string) => asset(request, name, allowOrigins);
  if (path === "/api/streams" || path.startsWith("/api/streams/")) {
    return await api(hub, request, path.slice("/api/streams/".length));
  }
  if (!isReading(request)) return notAllowed("GET, HEAD");
  const address = pictureAddress(path, url.searchParams);
  if (address !== undefined) {
    await hub.refresh();
    return await pictures(hub, address);
  }
  switch (path) {
    case "/":
      if (wantsPage(request)) return await page("streams.html");
      await hub.refresh();
      return text(200, overview(hub, publicAddress(request)), { vary: "accept" });
    case "/health":
      return text(200, "ok\n");
    case "/ready":
      return hub.isStopping ? text(503, "stopping\n") : text(200, "ready\n");
    case "/metrics":
      await hub.refresh();
      return new Response(metricsText(hub), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
  }
  if (path.startsWith(ASSETS_FOLDER)) return await asset(request, path.slice(ASSETS_FOLDER.length));
  const fault = nameFault(path.slice(1));
  if (fault !== undefined) {
    const sentence = `Cannot find ${url.pathname}: ${fault}`;
    return wantsPage(request)
      ? await notFoundPage(request, sentence, allowOrigins)
      : text(404, `${sentence}\n`, { vary: "accept" });
  }
  if (wantsPage(request)) return await page("player.html");
  const { socket } = publicAddress(request);
  return text(426, `A stream is a WebSocket: stream watch ${socket}${url.pathname}\n`, {
    upgrade: "websocket",
    connection: "upgrade",
    vary: "accept",
  });
}

function overview(hub: Hub, { socket, http }: PublicAddress): string {
  const rows = hub.streams.map((live) => {
    const { name, format, width, height, fps, publishing, viewers, dropped } = live.status();
    const size = width === null ? "" : ` ${width}x${height}`;
    const drops = totalDrops(dropped) - dropped.disconnected;
    return `  ${socket}/${name}  ${format ?? "no frame yet"}${size}  ${fps} fps  ` +
      `${publishing ? "live" : "no publisher"}  viewers ${viewers}  drops ${drops}\n`;
  });
  const list = rows.length > 0 ? rows.join("") : [
    "  none yet; this makes one:\n",
    `    stream publish --test-pattern ${socket}/live\n`,
  ].join("");
  return `stream: a live video frame relay\n\nstreams:\n${list}\n` +
    `as JSON: ${http}/api/streams\n`;
}

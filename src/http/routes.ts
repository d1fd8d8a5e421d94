/**
 * The relay's addresses.
 *
 * @module
 */
import { tellAccess } from "./access.ts";
import { changeStream, listStreams, listViewers, showStream } from "./api.ts";
import { endPublisher, endViewer } from "./end_peers.ts";
import { LIVE_FILE_ROWS } from "./live_file_routes.ts";
import { metrics } from "./metrics.ts";
import { howToWatch, overview } from "./overview.ts";
import { asset, wantsPage } from "./pages.ts";
import { findMotion, findPicture, sendMotion, sendPicture } from "./picture_routes.ts";
import { text } from "./responses.ts";
import { type Asked, type Here, type Route, table } from "./route.ts";
import { acceptSocket, socketActions } from "./sockets.ts";

const forPages = ({ request }: Pick<Asked, "request">) => wantsPage(request);
const withAction = (action: string) => ({ url }: Pick<Asked, "url">) =>
  url.searchParams.get("action") === action;
const page = (name: string) => ({ streams }: Here, { request }: Asked) =>
  asset(request, name, streams.options.allowOrigins);
const ready = ({ streams }: Here) =>
  streams.isStopping ? text(503, "stopping\n") : text(200, "ready\n");

const MOTION = { actions: ["watch"], here: sendMotion, there: findMotion } as const;
const JPEG = { actions: ["watch"], here: sendPicture("jpeg"), there: findPicture("jpeg") } as const;
const PNG = { actions: ["watch"], here: sendPicture("png"), there: findPicture("png") } as const;
const PUBLISH = {
  actions: ["publish"],
  here: (here: Here, asked: Asked) => here.publishBody(here, asked),
} as const;

/** Every address, in the order in which a request is compared with them. */
export const ROUTES: readonly Route[] = table([
  { method: "WEBSOCKET", path: "/:path?", actions: socketActions, here: acceptSocket },
  { method: "GET", path: "/health", actions: [], here: () => text(200, "ok\n") },
  { method: "GET", path: "/ready", actions: [], here: ready },
  { method: "GET", path: "/metrics", actions: ["metrics"], there: metrics },
  {
    method: "GET",
    path: "/assets/:path",
    actions: [],
    here: (_, { request, name }) => asset(request, name),
  },
  { method: "GET", path: "/api/streams/?", actions: ["watch"], there: listStreams },
  { method: "GET", path: "/api/streams/:name/viewers", actions: ["admin"], there: listViewers },
  { method: "GET", path: "/api/streams/:name/access", actions: ["watch"], here: tellAccess },
  { method: "GET", path: "/api/streams/:name", actions: ["watch"], there: showStream },
  { method: "PATCH", path: "/api/streams/:name", actions: ["admin"], there: changeStream },
  {
    method: "DELETE",
    path: "/api/streams/:name/publisher",
    actions: ["admin"],
    there: endPublisher,
  },
  {
    method: "DELETE",
    path: "/api/streams/:name/viewers/:id",
    actions: ["admin"],
    there: endViewer,
  },
  { method: "POST", path: "/:stream", ...PUBLISH },
  { method: "PUT", path: "/:stream", ...PUBLISH },
  // As with mjpg-streamer.
  { method: "GET", path: "/:path?", when: withAction("stream"), ...MOTION },
  { method: "GET", path: "/:path?", when: withAction("snapshot"), ...JPEG },
  { method: "GET", path: "/:path.mjpeg", ...MOTION },
  { method: "GET", path: "/:path.jpg", ...JPEG },
  { method: "GET", path: "/:path.png", ...PNG },
  ...LIVE_FILE_ROWS,
  { method: "GET", path: "/", when: forPages, actions: [], here: page("streams.html") },
  { method: "GET", path: "/", actions: ["watch"], there: overview },
  { method: "GET", path: "/:stream", when: forPages, actions: [], here: page("player.html") },
  { method: "GET", path: "/:stream", actions: [], here: howToWatch },
]);

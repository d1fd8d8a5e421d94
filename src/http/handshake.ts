/**
 * Handshakes of WebSockets (RFC 6455 section 4.2.1).
 *
 * @module
 */
import { text } from "./responses.ts";

/** The only version of the protocol there is. */
const VERSION = "13";

/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Refuses a handshake that is none: 400, or 426 where another version is spoken. */
export function refuseHandshake({ headers }: Request): Response | undefined {
  const version = headers.get("sec-websocket-version");
  if (version !== VERSION) {
    const seen = version === null ? "no version" : "another version";
    return text(
      426,
      `Cannot open a WebSocket: the handshake names ${seen} of the protocol; send ` +
        `Sec-WebSocket-Version: ${VERSION}\n`,
      { "sec-websocket-version": VERSION, upgrade: "websocket", connection: "upgrade" },
    );
  }
  const options = headers.get("connection")?.toLowerCase().split(",") ?? [];
  const wrong = !options.some((option) => option.trim() === "upgrade")
    ? "its Connection header does not say Upgrade"
    : !KEY.test(headers.get("sec-websocket-key") ?? "")
    ? "its Sec-WebSocket-Key is not 16 bytes in base64"
    : undefined;
  return wrong === undefined ? undefined : text(400, `Cannot open a WebSocket: ${wrong}\n`);
}

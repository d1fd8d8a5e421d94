/**
 * `<stream-player src="wss://relay.example/cam">`: a live stream in any page.
 *
 * @example
 * ```ts
 * import { defineStreamPlayer } from "@stream/relay/player";
 *
 * defineStreamPlayer();
 * const player = document.createElement("stream-player");
 * player.setAttribute("src", "ws://127.0.0.1:8080/cam");
 * player.addEventListener("playing", () => console.log("live"));
 * document.body.append(player);
 * ```
 *
 * @module
 */
export { defineStreamPlayer, StreamPlayerElement } from "./src/player/element.ts";
export type { TokenSource } from "./src/player/connection.ts";
export type { Delay } from "./src/player/delay.ts";
export type { State } from "./src/player/sentences.ts";
export type { PlayerStats } from "./src/player/stream_player.ts";
export type { Way } from "./src/player/ways.ts";
export type { StreamConfig } from "./src/core/frame.ts";
export type { StreamFormat } from "./src/core/stream_format.ts";

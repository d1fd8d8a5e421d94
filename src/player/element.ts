/**
 * `<stream-player src="wss://relay.example/cam">`: one live stream in a page.
 *
 * @module
 */
import { DEFAULT_MAX_DELAY_MS } from "../wire/control_message.ts";
import { MotionImage } from "./motion_image.ts";
import type { State } from "./sentences.ts";
import type { TokenSource } from "./connection.ts";
import { type PlayerStats, StreamPlayer } from "./stream_player.ts";

export type { StreamConfig } from "../core/frame.ts";
export type { StreamFormat } from "../core/stream_format.ts";
export type { Delay } from "./delay.ts";
export type { PlayerStats, State };

const TAG = "stream-player";
/** How often the event `stats` comes, in milliseconds. */
const STATS_MS = 1000;

const STYLE = `
:host {
  display: block;
  position: relative;
}
:host([hidden]), [hidden] {
  display: none;
}
canvas, img {
  display: block;
  width: 100%;
  height: 100%;
  object-fit: contain;
  transition: opacity 250ms ease-out, filter 250ms ease-out;
}
:host(:state(empty)) canvas {
  visibility: hidden;
}
:host(:state(stale)) canvas {
  filter: saturate(0.4);
  opacity: 0.35;
}
p {
  position: absolute;
  inset: 0;
  width: fit-content;
  height: fit-content;
  max-width: min(26em, 80%);
  margin: auto;
  padding: 0.6em 1em;
  border-radius: 0.5em;
  background: rgb(0 0 0 / 70%);
  color: white;
  text-align: center;
}
p:empty {
  visibility: hidden;
}
`;

/** The event that tells of a state of this kind, besides `state`. */
const EVENTS: Readonly<Record<State["kind"], string>> = {
  connecting: "waiting",
  waiting: "waiting",
  playing: "playing",
  lost: "waiting",
  blocked: "waiting",
  ended: "end",
  refused: "error",
  unsupported: "error",
};

const IDLE: State = { kind: "waiting", sentence: "", isStale: true };

/**
 * The element: it watches while it is in a document, and leaves when it is taken out.
 *
 * Attributes: `src`, the stream's address (`ws:`, `wss:`, `http:`, `https:`, or relative to the page);
 * `fps`, most frames a second (all of them without it); `max-delay`, the longest delay that frames
 * under way may stand for, as `500ms` (the default) or `2s`. A change of any connects anew.
 *
 * Events, whose `detail` is the {@linkcode State}: `state` for each change, and with it `playing`,
 * `waiting`, `end` (the publisher has ended the stream) or `error` (it cannot be shown, or the relay
 * refuses). `pause` and `play` follow {@linkcode pause} and {@linkcode play}; `resize` tells that the
 * picture has another size; `stats` comes once a second with {@linkcode PlayerStats} as `detail`.
 *
 * CSS parts: `picture` (a canvas), `fallback` (an image, where only motion JPEG comes through) and
 * `message`. States for `:state()`: the kinds of {@linkcode State}, `stale`, `empty` and `paused`.
 *
 * @example
 * ```ts
 * import { defineStreamPlayer, type StreamPlayerElement } from "@stream/relay/player";
 *
 * defineStreamPlayer();
 * const player = document.querySelector<StreamPlayerElement>("stream-player");
 * player?.addEventListener("stats", () => console.log(player.stats()?.delay?.totalMs));
 * ```
 */
export class StreamPlayerElement extends HTMLElement {
  /** The attributes that have a meaning. */
  static readonly observedAttributes: readonly string[] = ["src", "fps", "max-delay"];

  readonly #internals = this.attachInternals();
  readonly #canvas = document.createElement("canvas");
  readonly #fallback = document.createElement("img");
  readonly #message = document.createElement("p");
  #player: StreamPlayer | undefined;
  #motion: MotionImage | undefined;
  #state: State = IDLE;
  #isPaused = false;
  #willRestart = false;
  #telling: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#canvas.part.add("picture");
    this.#canvas.role = "img";
    this.#fallback.part.add("fallback");
    this.#fallback.hidden = true;
    this.#message.part.add("message");
    this.#message.role = "status";
    root.append(this.#canvas, this.#fallback, this.#message);
    this.#internals.states.add("empty");
  }

  /**
   * Gives the token that lets the viewer in, or a promise of it, before each try; to be set before `src`.
   * When the relay ends the session because the token has expired or was revoked, it is asked for
   * another. One that the relay does not take is told by the event `error`, and not sent again before
   * {@linkcode retry}.
   * @default {undefined: none}
   */
  token: TokenSource | undefined;

  /** The stream's address, as the attribute has it. */
  get src(): string {
    return this.getAttribute("src") ?? "";
  }

  set src(value: string) {
    this.setAttribute("src", value);
  }

  /** Most frames a second, from 0.001 to 1000; `null` for all. */
  get fps(): number | null {
    const fps = Number(this.getAttribute("fps"));
    return fps >= 0.001 && fps <= 1000 ? fps : null;
  }

  set fps(value: number | null) {
    if (value === null) this.removeAttribute("fps");
    else this.setAttribute("fps", String(value));
  }

  /** Longest delay in milliseconds, from 1 to 60000, that frames under way may stand for; 500 at first. */
  get maxDelay(): number {
    const [, number, unit] =
      /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(this.getAttribute("max-delay") ?? "") ??
        [];
    const ms = Number(number) * (unit === "s" ? 1000 : 1);
    return ms >= 1 && ms <= 60_000 ? ms : DEFAULT_MAX_DELAY_MS;
  }

  set maxDelay(value: number) {
    this.setAttribute("max-delay", `${value}ms`);
  }

  /** The stream's name: the last part of its address. */
  get streamName(): string {
    const path = this.#url?.pathname ?? "";
    const last = path.slice(path.lastIndexOf("/") + 1);
    try {
      return decodeURIComponent(last);
    } catch {
      // A malformed escape: the relay will say that it is no name.
      return last;
    }
  }

  /** What the player does at the moment. */
  get state(): State {
    return this.#state;
  }

  /** Whether {@linkcode pause} keeps the picture as it is. */
  get paused(): boolean {
    return this.#isPaused;
  }

  /** Width of the picture in its own pixels; 0 before the first. */
  get pictureWidth(): number {
    return this.#hasPicture ? this.#canvas.width : 0;
  }

  /** Height of the picture in its own pixels; 0 before the first. */
  get pictureHeight(): number {
    return this.#hasPicture ? this.#canvas.height : 0;
  }

  /** Numbers of this moment; `undefined` while it does not watch. */
  stats(): PlayerStats | undefined {
    return this.#player?.stats();
  }

  /** Keeps the picture as it is. */
  pause(): void {
    this.#hold(true);
  }

  /** Goes on with the newest picture. */
  play(): void {
    this.#hold(false);
  }

  /** Tries again at once, also after the relay refused. */
  retry(): void {
    this.#player?.retry();
  }

  /**
   * The picture that is shown, as PNG.
   *
   * @returns `null` where there is none, or the browser does not give it to this page
   */
  async savePicture(): Promise<Blob | null> {
    if (this.#fallback.hidden) return await this.#player?.savePicture() ?? null;
    const whole = document.createElement("canvas");
    whole.width = this.#fallback.naturalWidth;
    whole.height = this.#fallback.naturalHeight;
    whole.getContext("2d")?.drawImage(this.#fallback, 0, 0);
    try {
      return await new Promise((resolve) => whole.toBlob(resolve, "image/png"));
    } catch {
      // A picture from another site.
      return null;
    }
  }

  /** Called by the browser when the element comes into a document. */
  connectedCallback(): void {
    this.#start();
  }

  /** Called by the browser when the element is taken out. */
  disconnectedCallback(): void {
    this.#stop();
    this.#show(IDLE);
  }

  /** Called by the browser for each of {@linkcode observedAttributes}. */
  attributeChangedCallback(_name: string, old: string | null, value: string | null): void {
    if (old === value || this.#willRestart || !this.isConnected) return;
    this.#willRestart = true;
    // Attributes that are set one after the other connect once.
    queueMicrotask(() => {
      this.#willRestart = false;
      if (this.isConnected) this.#start();
    });
  }

  /** The stream's address, where it is one. */
  get #url(): URL | undefined {
    try {
      const url = new URL(this.src, document.baseURI);
      return /^(?:ws|http)s?:$/.test(url.protocol) ? url : undefined;
    } catch {
      return undefined;
    }
  }

  get #hasPicture(): boolean {
    return !this.#internals.states.has("empty");
  }

  #start(): void {
    this.#stop();
    if (this.src === "") return this.#show(IDLE);
    const url = this.#url;
    if (url === undefined) {
      const sentence = `“${this.src}” is not the address of a stream.`;
      this.#show({ kind: "refused", sentence, isStale: true });
      return;
    }
    this.#canvas.ariaLabel = this.ariaLabel ?? `Live picture of ${this.streamName}`;
    this.#fallback.alt = this.#canvas.ariaLabel;
    const player = new StreamPlayer({
      url,
      canvas: this.#canvas,
      name: this.streamName,
      fps: this.fps,
      maxDelayMs: this.maxDelay,
      token: () => this.token?.(),
    });
    this.#player = player;
    player.addEventListener("state", () => this.#show(player.state));
    const isDrawn = () => this.#internals.states.delete("empty");
    player.addEventListener("drawn", isDrawn, { once: true });
    player.addEventListener("size", () => {
      isDrawn();
      this.dispatchEvent(new Event("resize"));
    });
    if (this.#isPaused) player.hold("paused");
    this.#telling = setInterval(
      () => this.dispatchEvent(new CustomEvent("stats", { detail: player.stats() })),
      STATS_MS,
    );
    this.#show(player.state);
    player.start();
  }

  #stop(): void {
    clearInterval(this.#telling);
    this.#player?.close();
    this.#player = undefined;
    this.#internals.states.add("empty");
    this.#setFallback(undefined);
  }

  #hold(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) {
      this.#internals.states.add("paused");
      this.#player?.hold("paused");
    } else {
      this.#internals.states.delete("paused");
      this.#player?.release("paused");
    }
    this.dispatchEvent(new Event(isPaused ? "pause" : "play"));
  }

  #show(state: State): void {
    const { kind, sentence, isStale } = state;
    const { states } = this.#internals;
    states.delete(this.#state.kind);
    states.add(kind);
    if (isStale) states.add("stale");
    else states.delete("stale");
    this.#state = state;
    if (this.#message.textContent !== sentence) this.#message.textContent = sentence;
    this.#setFallback(kind === "blocked" ? this.#url : undefined);
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
    this.dispatchEvent(new CustomEvent(EVENTS[kind], { detail: state }));
  }

  /** Where WebSockets are stopped on the way, pictures still come as motion JPEG. */
  #setFallback(url: URL | undefined): void {
    const fallback = this.#fallback;
    if ((url !== undefined) === (this.#motion !== undefined)) return;
    if (url === undefined) {
      this.#motion?.close();
      this.#motion = undefined;
      fallback.hidden = true;
      this.#canvas.hidden = false;
      return;
    }
    this.#motion = new MotionImage(fallback, {
      url: `${url.href.replace(/^ws/, "http").replace(/[?#].*$/, "")}.mjpeg`,
      token: () => this.token?.(),
      onShown: () => {
        fallback.hidden = false;
        this.#canvas.hidden = true;
        this.#show({ kind: "blocked", sentence: "", isStale: false });
      },
    });
    fallback.onerror = () => fallback.hidden = true;
  }
}

/**
 * Makes `<stream-player>` known to the page; a second call does nothing.
 *
 * @example
 * ```ts
 * import { defineStreamPlayer } from "@stream/relay/player";
 *
 * defineStreamPlayer();
 * document.body.innerHTML = `<stream-player src="wss://relay.example/cam"></stream-player>`;
 * ```
 */
export function defineStreamPlayer(): void {
  if (customElements.get(TAG) === undefined) customElements.define(TAG, StreamPlayerElement);
}

/**
 * Loads a relay with viewers and measures what it does.
 *
 * @module
 */
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import process from "node:process";
import { type ErrorCode, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { Thread } from "../host/thread.ts";
import { within } from "../host/within.ts";
import type { Pass } from "../net/pass.ts";
import { parseStreamUrl, type StreamUrl } from "../net/stream_url.ts";
import type { ServeOptions } from "../server/serve.ts";
import type { Pace } from "./crowd.ts";
import type { PublisherNews, PublisherOrder } from "./publisher_worker.ts";
import type { RelayNews, RelayOrder } from "./relay_worker.ts";
import { hasPublisher, type RelayNumbers, relayNumbers } from "./relay_numbers.ts";
import { bottleneck, type LoadReport, makeReport, type Measured } from "./report.ts";
import type { ViewerNews, ViewerOrder } from "./viewer_worker.ts";
import type { Window } from "./window.ts";

/** How long viewers may take to join, in milliseconds: in all, and for each. */
const JOIN_MS = 30_000;
const JOIN_VIEWER_MS = 10;
/** How long the publisher may take until its first frame has left, in milliseconds. */
const LIVE_MS = 10_000;
/** How long frames come at their full rate before the window begins, where they did not, in ms. */
const WARM_UP_MS = 1000;
/** How long before its begin or end a window is set, so that every thread knows in time, in ms. */
const NOTICE_MS = 50;
/** How long threads may take to tell their result, and to close, in milliseconds. */
const RESULT_MS = 10_000;
const CLOSE_MS = 2000;

/** Options of {@linkcode runLoad}. */
export interface LoadOptions {
  /** The stream's address; a relay of its own is started with `ownRelay` without one. */
  readonly url: string | undefined;
  /** What goes with every connection. @default {nothing} */
  readonly pass?: Pass;
  readonly ownRelay: ServeOptions;
  /** All viewers, and those of them that never read or read at half the stream's rate. */
  readonly viewers: number;
  readonly stalled: number;
  readonly slow: number;
  /** Size and rate of the frames that are published, here or by somebody else. */
  readonly frameBytes: number;
  readonly fps: number;
  /** The rate while viewers join. */
  readonly joinFps: number;
  /** Whether frames are published here. */
  readonly publishes: boolean;
  readonly isBare: boolean;
  /** Length of the measured window. */
  readonly durationMs: number;
  /** Threads of viewers. */
  readonly workers: number;
}

/** What {@linkcode runLoad} returns. */
export interface LoadResult {
  readonly report: LoadReport;
  /** Why the figures are not the relay's alone, `undefined` where they are. */
  readonly bottleneck: string | undefined;
}

/**
 * Loads a relay, and returns what was measured, also when `signal` comes before the end.
 *
 * @throws {StreamError} `unreachable` or `refused` when the relay is not there, `failed` when it is
 * lost in the middle
 */
export async function runLoad(
  options: LoadOptions,
  environment: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<LoadResult> {
  await using load = new Load(options, environment);
  return await load.run();
}

class Load implements AsyncDisposable {
  readonly #options: LoadOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #failed = Promise.withResolvers<never>();
  readonly #stopped = Promise.withResolvers<undefined>();
  readonly #crowds: Thread<ViewerOrder, ViewerNews>[] = [];
  /** Viewers that are connected and read, by thread; absent while they join. */
  readonly #left: (number | undefined)[] = [];
  #lastLost: StreamError | undefined;
  #relay: Thread<RelayOrder, RelayNews> | undefined;
  #publisher: Thread<PublisherOrder, PublisherNews> | undefined;

  constructor(
    options: LoadOptions,
    { clock, log, signal }: {
      readonly clock: Clock;
      readonly log: Log;
      readonly signal: AbortSignal;
    },
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#signal = signal;
    // Also where nobody waits at that moment.
    this.#failed.promise.catch(() => {});
    signal.addEventListener("abort", () => this.#stopped.resolve(undefined));
    if (signal.aborted) this.#stopped.resolve(undefined);
  }

  async run(): Promise<LoadResult> {
    const { url: given, isBare, viewers, stalled, slow, frameBytes, fps } = this.#options;
    const address = parseStreamUrl(given ?? await this.#startRelay());
    if (this.#options.publishes) await this.#startPublisher(address);
    await this.#joinViewers(address.socket);
    await this.#warmUp();
    const asked = {
      url: address.socket,
      relay: given === undefined ? "own" : "elsewhere",
      protocol: isBare ? "bare" : "stream.v1",
      viewers,
      stalled,
      slow,
      frameBytes,
      fps,
    } as const;
    const measured = await this.#measure(address.server, address.name);
    return { report: makeReport(asked, measured), bottleneck: bottleneck(measured) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.all([
      ...this.#crowds.map((crowd) => crowd.next("closed")),
      this.#publisher?.next("closed"),
    ]);
    for (const thread of this.#loading()) thread.order({ type: "close" });
    await within(CLOSE_MS, closed);
    for (const thread of [...this.#crowds, this.#publisher, this.#relay]) thread?.terminate();
  }

  async #startRelay(): Promise<string> {
    this.#relay = this.#thread<RelayOrder, RelayNews>(
      new Worker(new URL("./relay_worker.ts", import.meta.url), { type: "module" }),
      (news) => news.type === "failed" && this.#fail(news),
    );
    this.#relay.order({ type: "serve", options: this.#options.ownRelay });
    const { address } = await this.#orFailure(this.#relay.next("listening"));
    return address;
  }

  async #startPublisher({ socket: url, server, name }: StreamUrl): Promise<void> {
    const { isBare, frameBytes, joinFps: fps, pass = {} } = this.#options;
    // A relay that closes a connection on which frames come cannot always tell why.
    if (isBare && await hasPublisher(server, name, pass)) {
      throw new StreamError(
        "failed",
        `Cannot publish to ${url}: the stream "${name}" already has a publisher; choose another ` +
          "name, or load it as it is with --viewers-only",
      );
    }
    this.#publisher = this.#thread<PublisherOrder, PublisherNews>(
      new Worker(new URL("./publisher_worker.ts", import.meta.url), { type: "module" }),
      (news) => news.type === "failed" && this.#fail(news),
    );
    const live = this.#publisher.next("live");
    this.#publisher.order({ type: "publish", url, pass, isBare, options: { frameBytes, fps } });
    const isLive = await this.#orStop(within(LIVE_MS, live));
    if (isLive === undefined && !this.#signal.aborted) {
      throw new StreamError("failed", `Cannot publish to ${url}: the relay accepts no frames`);
    }
  }

  async #joinViewers(url: string): Promise<void> {
    if (this.#signal.aborted) return;
    const { viewers, stalled, slow, fps, isBare, publishes, workers, pass = {} } = this.#options;
    const all = { stalled, slow, reading: viewers - stalled - slow };
    const threads = Math.min(workers, viewers);
    const beganMs = this.#clock.nowMs();
    const joined = Array.from({ length: threads }, (_, index) => {
      // The sum over all threads is the whole.
      const part = (pace: Pace) => Math.floor((all[pace] + index) / threads);
      const crowd = this.#thread<ViewerOrder, ViewerNews>(
        new Worker(new URL("./viewer_worker.ts", import.meta.url), { type: "module" }),
        (news) => this.#hear(index, news),
      );
      this.#crowds.push(crowd);
      this.#left.push(undefined);
      const parts = { reading: part("reading"), slow: part("slow"), stalled: part("stalled") };
      const options = { url, pass, isBare, viewers: parts, fps, isStamped: publishes };
      crowd.order({ type: "join", options });
      return crowd.next("joined");
    });
    const maxMs = JOIN_MS + viewers * JOIN_VIEWER_MS;
    const news = await this.#orStop(within(maxMs, Promise.all(joined)));
    const connected = news?.reduce((sum, news) => sum + news.connected, 0);
    if (connected === 0) throw this.#lastLost!;
    if (this.#signal.aborted) return;
    const seconds = ((this.#clock.nowMs() - beganMs) / 1000).toFixed(1);
    this.#log.info(
      connected === undefined
        ? `not all of ${viewers} viewers joined in ${seconds} s`
        : `${connected} of ${viewers} viewers joined in ${seconds} s`,
      { viewers, connected: connected ?? null },
    );
  }

  async #warmUp(): Promise<void> {
    const { fps, joinFps } = this.#options;
    if (fps === joinFps || this.#publisher === undefined) return;
    this.#publisher.order({ type: "fps", fps });
    await this.#orStop(delay(WARM_UP_MS));
  }

  #hear(index: number, news: ViewerNews): void {
    if (news.type === "joined") this.#left[index] = news.left;
    if (news.type !== "lost") return;
    const { code, message } = news;
    this.#lastLost = new StreamError(code, message);
    // While they join, it is looked at when all have tried.
    if (this.#left[index] === undefined) return;
    this.#left[index] = news.left;
    if (this.#left.every((left) => left === 0)) this.#fail(news);
  }

  async #measure(server: string, stream: string): Promise<Measured> {
    const nowMs = () => this.#clock.wallUs() / 1000;
    let window = { beginMs: nowMs(), endMs: nowMs() };
    let before = this.#sample(server, stream);
    // A stop while viewers join leaves a window without length.
    if (!this.#signal.aborted) {
      const beginMs = nowMs() + NOTICE_MS;
      window = { beginMs, endMs: beginMs + this.#options.durationMs };
      this.#setWindow(window);
      await delay(NOTICE_MS);
      before = this.#sample(server, stream);
      await this.#orStop(delay(window.endMs - nowMs()));
      if (window.endMs - nowMs() > NOTICE_MS) {
        window = { beginMs, endMs: nowMs() + NOTICE_MS };
        this.#setWindow(window);
        await delay(NOTICE_MS);
      }
    }
    const after = this.#sample(server, stream);
    const results = Promise.all([
      Promise.all(this.#crowds.map((crowd) => crowd.next("result"))),
      this.#publisher?.next("result"),
    ]);
    for (const thread of this.#loading()) thread.order({ type: "end" });
    const [[first, last], told] = await this.#orFailure(
      Promise.all([Promise.all([before, after]), within(RESULT_MS, results)]),
    );
    if (told === undefined) {
      throw new StreamError(
        "failed",
        `Cannot report a result: a thread of this program returned none within ` +
          `${RESULT_MS / 1000} s; use fewer viewers, or more --workers`,
      );
    }
    const [crowds, publisher] = told;
    return {
      window,
      crowds: crowds.map(({ result }) => result),
      publisher,
      before: first.relay,
      after: last.relay,
      cpuSeconds: last.cpuSeconds - first.cpuSeconds,
      usages: [...crowds, ...(publisher === undefined ? [] : [publisher])].map(({ usage }) =>
        usage
      ),
    };
  }

  #setWindow(window: Window): void {
    for (const thread of this.#loading()) thread.order({ type: "window", window });
  }

  /** The threads that make the load. */
  #loading(): (Thread<ViewerOrder, ViewerNews> | Thread<PublisherOrder, PublisherNews>)[] {
    return [...this.#crowds, ...(this.#publisher === undefined ? [] : [this.#publisher])];
  }

  /** What the relay and the load have used so far. */
  async #sample(
    server: string,
    stream: string,
  ): Promise<{ readonly relay: RelayNumbers; readonly cpuSeconds: number }> {
    const { user, system } = process.cpuUsage();
    const cpuSeconds = (user + system) / 1e6;
    const usage = this.#relay?.next("usage");
    this.#relay?.order({ type: "usage" });
    const [relay, own] = await Promise.all([
      relayNumbers(server, stream, this.#options.pass),
      usage,
    ]);
    if (own === undefined) return { relay, cpuSeconds };
    // What the process tells is not the relay's alone.
    return {
      relay: { ...relay, cpuSeconds: own.cpuSeconds },
      cpuSeconds: cpuSeconds - own.cpuSeconds,
    };
  }

  #thread<Order, News extends { readonly type: string }>(
    worker: Worker,
    onNews: (news: News) => void,
  ): Thread<Order, News> {
    return new Thread<Order, News>(worker, {
      onNews,
      onDefect: (error) => this.#failed.reject(error),
    });
  }

  #fail({ code, message }: { readonly code: ErrorCode; readonly message: string }): void {
    this.#failed.reject(new StreamError(code, message));
  }

  #orFailure<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#failed.promise]);
  }

  /** Also ends, with nothing, when a stop is asked for. */
  #orStop<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, this.#failed.promise, this.#stopped.promise]);
  }
}

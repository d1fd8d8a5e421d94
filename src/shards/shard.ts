/**
 * A thread that sends to viewers of its own. Its streams are mirrors; whatever else it is asked for,
 * it passes on to the thread that has them.
 *
 * @module
 */
import { Outflow } from "../core/outflow.ts";
import { ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log, LogFields } from "../host/log.ts";
import { Questions } from "../host/questions.ts";
import { MAX_BODY_BYTES } from "../http/api.ts";
import { Converter, openConvertThread } from "../http/converter.ts";
import type { Asked } from "../http/route.ts";
import { requestHandler } from "../http/handler.ts";
import { publishBody } from "../ingest/publish_body.ts";
import { AllPictures } from "../http/stream_pictures.ts";
import { type Link, linkTo } from "../link/link.ts";
import { Mirror } from "../link/mirror.ts";
import type { Handler } from "../listen/listener.ts";
import { Refusals } from "../listen/refusals.ts";
import { BODY_TURN_BYTES, ByteTurns } from "../listen/byte_turns.ts";
import { UnfinishedMessages } from "../listen/unfinished.ts";
import { KeptFrames } from "../relay/kept_frames.ts";
import { Memory } from "../relay/memory.ts";
import { MessageCrowd } from "../relay/message_crowd.ts";
import type { RelayOptions } from "../relay/options.ts";
import type { ControlChannel, Peer } from "../relay/peer.ts";
import { evictStalledViewers } from "../relay/evict.ts";
import type { PublisherKind, Streams } from "../relay/streams.ts";
import { Turns } from "../relay/turns.ts";
import type { WatchedStream } from "../relay/viewer.ts";
import { WatchfulClock } from "../relay/watchful_clock.ts";
import { CLOSE } from "../wire/close_code.ts";
import { HandedIn } from "./handed_in.ts";
import { plainQuestion, responseOf } from "./plain_http.ts";
import { ShardGuard } from "./shard_guard.ts";
import type { FromShard, PlainResponse, ShardStart, ToShard } from "./shard_message.ts";

/** Where the streams are. */
const STREAMS_AT = "thread:0";

/** Tells the thread that has the streams; `transfer` is handed over. */
export type Tell = (message: FromShard, transfer?: Transferable[]) => void;

/** The streams of a relay in a thread that has none itself. */
export class Shard implements Streams, Link {
  readonly scheme = "thread";
  readonly options: RelayOptions;
  readonly clock: WatchfulClock;
  readonly log: Log;
  readonly guard: ShardGuard;
  readonly memory: Memory;
  readonly unfinished: UnfinishedMessages;
  readonly bodyTurns: ByteTurns = new ByteTurns(BODY_TURN_BYTES);
  readonly crowd: MessageCrowd;
  readonly outflow: Outflow;
  readonly refusals: Refusals;
  readonly tell: Tell;
  /** Answers requests that come to this thread. */
  readonly handler: Handler;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #pictures: AllPictures;
  readonly #turns = new Turns();
  readonly #kept: KeptFrames;
  readonly #handedIn: HandedIn;
  readonly #channels = new Map<number, ControlChannel>();
  readonly #questions = new Questions<PlainResponse | string>();
  #lastNumber = 0;
  #lastSubscription = 0;
  #isStopping = false;

  constructor(start: ShardStart, clock: Clock, tell: Tell) {
    this.options = start.options;
    this.clock = new WatchfulClock(clock, (ms) => {
      for (const mirror of this.#mirrors.values()) mirror.stoodStill(ms);
    });
    this.tell = tell;
    this.log = logTo(tell);
    this.guard = new ShardGuard(start, tell);
    this.memory = new Memory(start.options, start.counts, start.own);
    this.#kept = new KeptFrames(this.memory);
    this.#handedIn = new HandedIn(this.memory);
    const { maxMessages, maxRate, maxViewerRate } = start.options;
    this.crowd = new MessageCrowd(maxMessages);
    this.outflow = new Outflow({ maxRate: maxRate / (start.threads - 1), maxViewerRate });
    this.refusals = new Refusals(this.log, start.refused, start.own);
    this.unfinished = new UnfinishedMessages(
      this.memory.unfinished,
      this.refusals,
      start.threads - 1,
    );
    // All threads that send together convert as much as one.
    const converter = new Converter(clock, {
      threads: start.threads - 1,
      openThread: () => openConvertThread(start.isolatesThreads),
    });
    this.#pictures = new AllPictures(converter, this.log);
    this.handler = requestHandler({
      streams: this,
      pictures: this.#pictures,
      publishBody,
      askThere: (route, asked) => this.#ask(route, asked),
    });
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  watch(name: string): WatchedStream {
    this.memory.admit();
    const existing = this.#mirrors.get(name);
    if (existing !== undefined) return existing;
    const mirror = new Mirror(name, {
      clock: this.clock,
      turns: this.#turns,
      cached: this.memory.cached,
      kept: this.#kept,
      link: linkTo(STREAMS_AT, [this]),
      subscription: ++this.#lastSubscription,
      numberViewer: () => this.memory.numberViewer(),
      onIdle: (idle) => this.#mirrors.delete(idle.name),
    });
    this.#mirrors.set(name, mirror);
    return mirror;
  }

  publish(name: string, as: PublisherKind, channel: ControlChannel): Peer {
    const peer = ++this.#lastNumber;
    this.#channels.set(peer, channel);
    this.tell({ type: "publish", peer, name, hello: as === "bare" ? as : as.hello });
    return {
      receive: (data) => this.#handIn(peer, data),
      closed: () => {
        this.#channels.delete(peer);
        this.tell({ type: "gone", peer });
      },
    };
  }

  /** Takes what the thread that has the streams says. */
  receive(message: Exclude<ToShard, { readonly type: "start" | "renew" | "stop" }>): void {
    switch (message.type) {
      case "control":
        this.#channels.get(message.peer)?.sendControl(message.text);
        break;
      case "close":
        this.#channels.get(message.peer)?.close(message.code, message.reason);
        break;
      case "answer":
        this.#questions.answer(message.id, message.response);
        break;
      case "ruled":
        this.guard.answer(message.id, message.ruling);
        break;
      case "access":
        this.guard.changed();
        break;
      case "count": {
        const streams = [...this.#mirrors].map(([name, mirror]) =>
          [name, mirror.numbers()] as const
        );
        this.tell({ type: "counted", id: message.id, streams });
        break;
      }
      case "list": {
        const viewers = this.#mirrors.get(message.name)?.listed(message.limit) ?? [];
        this.tell({ type: "listed", id: message.id, viewers });
        break;
      }
      case "end": {
        const { id, name, viewer, reason } = message;
        const isEnded = this.#mirrors.get(name)?.endViewer(viewer, reason) ?? false;
        this.tell({ type: "endedViewer", id, isEnded });
        break;
      }
      case "refuse":
        this.#isStopping = true;
        break;
      default:
        this.#mirrors.get(message.name)?.receive(message);
    }
  }

  /** Once a second: takes memory from viewers who make no use of it. */
  maintain(): void {
    evictStalledViewers([...this.#mirrors.values()], this);
    this.unfinished.check();
    this.refusals.report();
  }

  /** Ends what it has of its own. */
  stop(): void {
    this.#pictures.stop();
  }

  /** Hands a message of somebody who publishes to the thread that has the streams. */
  #handIn(peer: number, data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#handedIn.admit(peer, typeof data === "string" ? data.length : data.byteLength)) {
      throw new ProtocolError(
        CLOSE.overCredit,
        "frames arrive faster than the relay can take them",
      );
    }
    this.tell({ type: "message", peer, data }, typeof data === "string" ? [] : [data.buffer]);
  }

  async #ask(route: number, asked: Asked): Promise<Response> {
    const question = await plainQuestion(route, asked, MAX_BODY_BYTES);
    const response = await this.#questions.ask((id) => this.tell({ type: "ask", id, question }));
    if (typeof response === "string") throw new StreamError("failed", response);
    return responseOf(response);
  }
}

function logTo(tell: Tell): Log {
  const line = (level: "info" | "warn" | "error") => (message: string, fields: LogFields = {}) =>
    tell({ type: "log", level, message, fields });
  return { info: line("info"), warn: line("warn"), error: line("error"), progress: () => {} };
}

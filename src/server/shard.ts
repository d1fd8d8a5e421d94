/**
 * A thread that sends to viewers of its own. Its streams are mirrors; whatever else it is asked for,
 * it passes on to the thread that has them.
 *
 * @module
 */
import type { Budget } from "../core/budget.ts";
import { ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import type { Log, LogFields } from "../host/log.ts";
import { Questions } from "../host/questions.ts";
import { CLOSE } from "../wire/close_code.ts";
import { MAX_BODY_BYTES } from "./api.ts";
import { Converter } from "./converter.ts";
import type { Front } from "./front.ts";
import type { HubOptions } from "./hub.ts";
import { Mirror } from "./mirror.ts";
import type { Peer, PeerPlace, SenderKind, SenderPort } from "./peer.ts";
import { plainRequest, responseOf } from "./plain_http.ts";
import { type HubLink, RemotePeer } from "./remote_peer.ts";
import type { FromShard, PlainResponse, ShardStart, ToShard } from "./shard_message.ts";
import { type Shares, sharesIn } from "./shares.ts";
import { closeStalled } from "./stalled.ts";
import { AllPictures, type StreamPictures } from "./stream_pictures.ts";
import { Turns } from "./turns.ts";
import type { Audience } from "./viewer.ts";
import { WatchfulClock } from "./watchful_clock.ts";

/** Tells the thread that has the streams; `transfer` is handed over. */
export type Tell = (message: FromShard, transfer?: Transferable[]) => void;

/** The front of a relay in a thread that has no streams. */
export class Shard implements Front, HubLink {
  readonly options: HubOptions;
  readonly clock: WatchfulClock;
  readonly log: Log;
  readonly tell: Tell;
  readonly #start: ShardStart;
  readonly #shares: Shares;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #pictures: AllPictures;
  readonly #turns = new Turns();
  readonly #ports = new Map<number, SenderPort>();
  readonly #questions = new Questions<PlainResponse | string>();
  #lastNumber = 0;
  #isStopping = false;

  constructor(start: ShardStart, clock: Clock, tell: Tell) {
    this.#start = start;
    this.options = start.options;
    this.clock = new WatchfulClock(clock, (ms) => {
      for (const mirror of this.#mirrors.values()) mirror.stoodStill(ms);
    });
    this.tell = tell;
    this.log = logTo(tell);
    this.#shares = sharesIn(start.shares, start.own, start.options);
    // All threads that send together convert as much as one.
    const converter = new Converter(clock, { threads: start.threads - 1 });
    this.#pictures = new AllPictures(converter, this.log);
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  get underWay(): Budget {
    return this.#shares.underWay;
  }

  get maxViewerBytes(): number {
    return this.underWay.limit / 4;
  }

  admitViewer(name: string): Audience {
    this.admitSender();
    const existing = this.#mirrors.get(name);
    if (existing !== undefined) return existing;
    const mirror = new Mirror(name, {
      clock: this.clock,
      turns: this.#turns,
      cached: this.#shares.cached,
      tell: this.tell,
      onIdle: (idle) => this.#mirrors.delete(idle.name),
    });
    this.#mirrors.set(name, mirror);
    return mirror;
  }

  admitSender(): void {
    if (this.#shares.viewers.take(1)) return;
    throw new ProtocolError(
      CLOSE.full,
      `the relay has ${this.options.maxViewers} viewers already (--max-viewers)`,
    );
  }

  release(): void {
    this.#shares.viewers.give(1);
  }

  picturesOf(audience: Audience): StreamPictures {
    return this.#pictures.of(audience);
  }

  openSender(kind: SenderKind, place: PeerPlace, port: SenderPort): Peer {
    const number = ++this.#lastNumber;
    this.#ports.set(number, port);
    const peer = new RemotePeer(number, kind, { place, link: this });
    return {
      receive: (message) => peer.receive(message),
      closed: () => {
        this.#ports.delete(number);
        peer.closed();
      },
    };
  }

  async answer(request: Request): Promise<Response> {
    const plain = await plainRequest(request, MAX_BODY_BYTES);
    const response = await this.#questions.ask((id) =>
      this.tell({ type: "ask", id, request: plain })
    );
    if (typeof response === "string") throw new StreamError("failed", response);
    return responseOf(response);
  }

  handIn(bytes: number): boolean {
    const { handedIn, takenIn } = this.#shares;
    const { own } = this.#start;
    if (handedIn[own]! - takenIn[own]! > this.options.maxMemoryBytes / 2) return false;
    handedIn[own]! += bytes;
    return true;
  }

  /** Takes what the thread that has the streams says. */
  receive(message: Exclude<ToShard, { readonly type: "start" | "stop" }>): void {
    switch (message.type) {
      case "control":
        this.#ports.get(message.peer)?.sendControl(message.text);
        break;
      case "close":
        this.#ports.get(message.peer)?.close(message.code, message.reason);
        break;
      case "answer":
        this.#questions.answer(message.id, message.response);
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
      case "refuse":
        this.#isStopping = true;
        break;
      default:
        this.#mirrors.get(message.name)?.receive(message);
    }
  }

  /** Once a second: takes memory from viewers who make no use of it. */
  maintain(): void {
    closeStalled([...this.#mirrors.values()], this);
  }

  /** Ends what it has of its own. */
  stop(): void {
    this.#pictures.stop();
  }
}

function logTo(tell: Tell): Log {
  const line = (level: "info" | "warn" | "error") => (message: string, fields: LogFields = {}) =>
    tell({ type: "log", level, message, fields });
  return { info: line("info"), warn: line("warn"), error: line("error"), progress: () => {} };
}

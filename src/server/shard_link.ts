/**
 * One thread that sends to viewers of its own, as the thread that has the streams sees it.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import { Questions } from "../host/questions.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Front } from "./front.ts";
import { GuardedPeer } from "./guarded_peer.ts";
import type { Hub } from "./hub.ts";
import { plainResponse, requestOf } from "./plain_http.ts";
import type { FromShard, ListedViewer, PlainRequest } from "./shard_message.ts";
import { ShardViewer, type TellShard } from "./shard_viewer.ts";

/** How long a thread may take to tell its numbers before the last ones are used, in milliseconds. */
const ANSWER_MS = 1000;

/** What a {@linkcode ShardLink} works with. */
export interface ShardLinkOptions {
  readonly hub: Hub;
  /** Where what the thread cannot do itself is done. */
  readonly front: Front;
  readonly tell: TellShard;
  /** Counts bytes as taken in from the thread. */
  readonly takeIn: (bytes: number) => void;
}

/** The streams that one thread has viewers of, the senders that came to it, and what it asks for. */
export class ShardLink {
  readonly #options: ShardLinkOptions;
  readonly #viewers = new Map<string, ShardViewer>();
  readonly #peers = new Map<number, GuardedPeer>();
  readonly #questions = new Questions<readonly ListedViewer[]>();
  #isOver = false;

  constructor(options: ShardLinkOptions) {
    this.#options = options;
  }

  /** Takes what the thread says. */
  receive(message: FromShard): void {
    if (this.#isOver) return;
    const { hub } = this.#options;
    switch (message.type) {
      case "subscribe":
        this.#subscribe(message.name);
        break;
      case "unsubscribe": {
        const viewer = this.#viewers.get(message.name);
        viewer?.feed.setNumbers(message.numbers);
        this.#leave(message.name);
        break;
      }
      case "passed": {
        const viewer = this.#viewers.get(message.name);
        if (viewer === undefined) break;
        viewer.feed.setFastest(message.rate, message.isReady);
        viewer.live.passed(viewer, message.sequence);
        break;
      }
      case "open":
        this.#open(message);
        break;
      case "message": {
        const { data } = message;
        this.#options.takeIn(typeof data === "string" ? data.length : data.byteLength);
        this.#peers.get(message.peer)?.receive(data);
        break;
      }
      case "gone":
        this.#peers.get(message.peer)?.closed();
        this.#peers.delete(message.peer);
        break;
      case "ask":
        this.#answer(message.id, message.request);
        break;
      case "counted":
        for (const [name, numbers] of message.streams) {
          this.#viewers.get(name)?.feed.setNumbers(numbers);
        }
        this.#questions.answer(message.id, []);
        break;
      case "listed":
        this.#questions.answer(message.id, message.viewers);
        break;
      case "log":
        hub.log[message.level](message.message, message.fields);
        break;
    }
  }

  /** Has the thread tell its numbers; false where it did not in time. */
  async refresh(): Promise<boolean> {
    const { tell } = this.#options;
    const put = (id: number) => tell({ type: "count", id });
    return await this.#questions.askWithin(ANSWER_MS, put) !== undefined;
  }

  /** At most `limit` viewers of a stream that are at this thread, those that came first. */
  async listed(name: string, limit: number): Promise<readonly ListedViewer[]> {
    const { tell } = this.#options;
    const put = (id: number) => tell({ type: "list", id, name, limit });
    return await this.#questions.askWithin(ANSWER_MS, put) ?? [];
  }

  /** The thread is no more: so are its viewers and senders. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const name of [...this.#viewers.keys()]) this.#leave(name);
    for (const peer of this.#peers.values()) peer.closed();
    this.#peers.clear();
    this.#questions.answerAll([]);
  }

  #subscribe(name: string): void {
    const { hub, tell } = this.#options;
    try {
      const live = hub.open(name);
      const viewer = new ShardViewer(live, hub.underWay, tell);
      this.#viewers.set(name, viewer);
      live.join(viewer);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      tell({ type: "refused", name, code: error.closeCode, reason: error.message });
    }
  }

  #leave(name: string): void {
    const viewer = this.#viewers.get(name);
    this.#viewers.delete(name);
    viewer?.live.leave(viewer);
  }

  #open({ peer, kind, place }: FromShard & { readonly type: "open" }): void {
    const { hub, front, tell } = this.#options;
    const port = {
      sendControl: (text: string) => tell({ type: "control", peer, text }),
      close: (code: number, reason: string) => tell({ type: "close", peer, code, reason }),
    };
    const guarded = new GuardedPeer(place.name, port, hub.log);
    this.#peers.set(peer, guarded);
    guarded.open(() => {
      if (hub.isStopping) throw new ProtocolError(CLOSE.goingAway, "the relay stops");
      return front.openSender(kind, place, port);
    });
  }

  async #answer(id: number, request: PlainRequest): Promise<void> {
    const { front, tell } = this.#options;
    try {
      const response = await plainResponse(await front.answer(requestOf(request)));
      if (this.#isOver) return;
      tell({ type: "answer", id, response }, response.body === null ? [] : [response.body.buffer]);
    } catch (error) {
      if (!this.#isOver) tell({ type: "answer", id, response: messageOf(error) });
    }
  }
}

/**
 * One thread that sends to viewers of its own, as the thread that has the streams sees it.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import { Questions } from "../host/questions.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { AskThere } from "../http/handler.ts";
import type { LinkRequest } from "../link/link.ts";
import type { PlacedViewer } from "../link/mirror.ts";
import { Connection } from "../relay/connection.ts";
import type { Hub } from "../relay/hub.ts";
import { RelaySession } from "../wire/relay_session.ts";
import { askedOf, plainResponse } from "./plain_http.ts";
import type { FromShard, PlainQuestion } from "./shard_message.ts";
import { ShardViewer, type TellShard } from "./shard_viewer.ts";

/**
 * How long a thread may take to report its numbers before the last ones are used, in milliseconds.
 */
const ANSWER_MS = 1000;

/** What a {@linkcode ShardLink} works with. */
export interface ShardLinkOptions {
  readonly hub: Hub;
  /** Answers what the thread cannot answer itself. */
  readonly askThere: AskThere;
  readonly tell: TellShard;
  /** Counts bytes as taken in from the thread. */
  readonly takeIn: (bytes: number) => void;
}

/** The streams that one thread has viewers of, the senders that came to it, and what it asks for. */
export class ShardLink {
  readonly #options: ShardLinkOptions;
  readonly #viewers = new Map<string, ShardViewer>();
  readonly #peers = new Map<number, Connection>();
  readonly #questions = new Questions<readonly PlacedViewer[]>();
  readonly #ends = new Questions<boolean>();
  readonly #forget: () => void;
  #isOver = false;

  constructor(options: ShardLinkOptions) {
    this.#options = options;
    this.#forget = options.hub.guard.onChange(() => options.tell({ type: "access" }));
  }

  /** Takes what the thread says. */
  receive(message: FromShard): void {
    if (this.#isOver) return;
    const { hub } = this.#options;
    switch (message.type) {
      case "subscribe":
        this.#subscribe(message);
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
      case "publish":
        this.#publish(message);
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
        this.#answer(message.id, message.question);
        break;
      case "rule":
        this.#rule(message);
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
      case "endedViewer":
        this.#ends.answer(message.id, message.isEnded);
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
  async listed(name: string, limit: number): Promise<readonly PlacedViewer[]> {
    const { tell } = this.#options;
    const put = (id: number) => tell({ type: "list", id, name, limit });
    return await this.#questions.askWithin(ANSWER_MS, put) ?? [];
  }

  /** Ends a viewer where it is at this thread: whether it was; `undefined` where that is not known in time. */
  async endViewer(name: string, viewer: number, reason: string): Promise<boolean | undefined> {
    const { tell } = this.#options;
    const put = (id: number) => tell({ type: "end", id, name, viewer, reason });
    return await this.#ends.askWithin(ANSWER_MS, put);
  }

  /** The thread is no more: so are its viewers and senders. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    for (const name of [...this.#viewers.keys()]) this.#leave(name);
    for (const peer of this.#peers.values()) peer.closed();
    this.#peers.clear();
    this.#questions.answerAll([]);
    this.#ends.answerAll(false);
  }

  #subscribe({ name, subscription }: LinkRequest & { readonly type: "subscribe" }): void {
    const { hub, tell } = this.#options;
    try {
      const live = hub.open(name);
      const viewer = new ShardViewer(live, subscription, hub.memory.underWay, tell);
      this.#viewers.set(name, viewer);
      live.join(viewer);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      hub.refusals.add("full", `refused viewers of "${name}": ${error.message}`);
      tell({ type: "refused", name, subscription, code: error.closeCode, reason: error.message });
    }
  }

  #leave(name: string): void {
    const viewer = this.#viewers.get(name);
    this.#viewers.delete(name);
    viewer?.live.leave(viewer);
  }

  #publish({ peer, name, hello }: FromShard & { readonly type: "publish" }): void {
    const { hub, tell } = this.#options;
    const channel = {
      sendControl: (text: string) => tell({ type: "control", peer, text }),
      close: (code: number, reason: string) => tell({ type: "close", peer, code, reason }),
    };
    const connection = new Connection(name, channel, hub);
    this.#peers.set(peer, connection);
    connection.serve(() => {
      if (hub.isStopping) throw new ProtocolError(CLOSE.goingAway, "the relay is stopping");
      if (hello === "bare") return hub.publish(name, hello, channel);
      const session = new RelaySession({
        maxFrameBytes: hub.options.maxFrameBytes,
        role: hello.role,
      });
      return hub.publish(name, { hello, session }, channel);
    });
  }

  async #rule({ id, question, occasion }: FromShard & { readonly type: "rule" }): Promise<void> {
    const { hub: { guard }, tell } = this.#options;
    let ruling;
    try {
      ruling = await guard.ask(question, occasion);
    } catch (error) {
      ruling = messageOf(error);
    }
    if (!this.#isOver) tell({ type: "ruled", id, ruling });
  }

  async #answer(id: number, question: PlainQuestion): Promise<void> {
    const { askThere, tell } = this.#options;
    try {
      const response = await plainResponse(await askThere(question.route, askedOf(question)));
      if (this.#isOver) return;
      tell({ type: "answer", id, response }, response.body === null ? [] : [response.body.buffer]);
    } catch (error) {
      if (!this.#isOver) tell({ type: "answer", id, response: messageOf(error) });
    }
  }
}

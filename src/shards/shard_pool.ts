/**
 * The threads that send to viewers: started, heard, replaced where one dies, and stopped.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import { openWorker, Thread } from "../host/thread.ts";
import type { ListedViewer } from "../wire/control_message.ts";
import type { AskThere } from "../http/handler.ts";
import type { Hub, ViewerEnd } from "../relay/hub.ts";
import type { Certificate } from "../listen/certificate.ts";
import { clearVisits } from "../listen/gate.ts";
import { settled } from "../listen/deno_listener.ts";
import { Restarts } from "./restarts.ts";
import { ShardLink } from "./shard_link.ts";
import type { FromShard, SharedStart, ToShard } from "./shard_message.ts";
import { clearCounts } from "../relay/memory.ts";

/** How long a thread may take until it listens, in milliseconds. */
const START_MS = 30_000;
/** A thread that has reported no numbers for this long is taken for dead, in milliseconds. */
const HANG_MS = 10_000;
/** How long threads may take to stop, in milliseconds. */
const STOP_MS = 1500;

/** Options of a {@linkcode ShardPool}. */
export interface ShardPoolOptions {
  /** Threads that send. */
  readonly workers: number;
  /** What each begins with. */
  readonly shared: SharedStart;
  /** Answers what a thread cannot answer itself. */
  readonly askThere: AskThere;
  /** Starts a thread. */
  readonly openThread?: () => Worker;
  /** Acts after a delay in milliseconds, unless what it returns is called before. */
  readonly after?: (delayMs: number, act: () => void) => () => void;
}

/** One thread and where it stands. */
interface Running {
  readonly thread: Thread<ToShard, FromShard>;
  readonly link: ShardLink;
  /** Its place in the shared memory. */
  readonly own: number;
  readonly stopped: PromiseWithResolvers<void>;
  heardMs: number;
}

/** The threads of a relay that send. */
export class ShardPool {
  readonly #hub: Hub;
  readonly #options: ShardPoolOptions;
  readonly #running = new Map<number, Running>();
  readonly #restarts = new Restarts();
  /** What keeps a thread from being started again, by place. */
  readonly #cancels = new Map<number, () => void>();
  #certificate: Certificate | undefined;
  #isRefusing = false;
  #isStopping = false;

  constructor(hub: Hub, options: ShardPoolOptions) {
    this.#hub = hub;
    this.#options = options;
    this.#certificate = options.shared.certificate;
  }

  /**
   * Starts the threads; each listens at the same port.
   *
   * @throws {StreamError} (`unreachable`) when one cannot
   */
  async start(): Promise<void> {
    const places = Array.from({ length: this.#options.workers }, (_, index) => index + 1);
    try {
      await Promise.all(places.map((own) => this.#launch(own).started));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Asks every thread for its numbers, and replaces a thread that has not answered for too long.
   */
  async refresh(): Promise<void> {
    this.#tell();
    await Promise.all([...this.#running.values()].map(async (running) => {
      const nowMs = this.#hub.clock.nowMs();
      if (await running.link.refresh()) running.heardMs = this.#hub.clock.nowMs();
      else if (nowMs - running.heardMs > HANG_MS) this.#lost(running, "it does not answer");
    }));
  }

  /** Numbers of at most `limit` viewers of a stream, those that came first. */
  async viewerStatuses(name: string, limit: number): Promise<ListedViewer[]> {
    const links = [...this.#running.values()].map(({ link }) => link);
    const lists = await Promise.all(links.map((link) => link.listed(name, limit)));
    return lists.flat()
      .sort((one, other) => one.cameMs - other.cameMs)
      .slice(0, limit)
      .map(({ listed }) => listed);
  }

  /** Ends a viewer of a stream, at whichever thread it is. */
  async endViewer(name: string, id: number, reason: string): Promise<ViewerEnd> {
    const links = [...this.#running.values()].map(({ link }) => link);
    const answers = await Promise.all(links.map((link) => link.endViewer(name, id, reason)));
    if (answers.includes(true)) return "ended";
    return answers.includes(undefined) ? "unknown" : "absent";
  }

  /** Has the threads show another certificate. */
  renew({ cert, key }: Certificate): void {
    this.#certificate = { cert, key };
    const order = { type: "renew", certificate: this.#certificate } as const;
    for (const { thread } of this.#running.values()) thread.order(order);
  }

  /** Has the threads take in no more peers. */
  refuse(): void {
    this.#isRefusing = true;
    for (const { thread } of this.#running.values()) thread.order({ type: "refuse" });
  }

  /** Ends the threads, those that are stuck as well. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#cancels.values()) cancel();
    const all = [...this.#running.values()];
    for (const { thread } of all) thread.order({ type: "stop" });
    let isOver = false;
    Promise.all(all.map(({ stopped }) => stopped.promise)).then(() => {
      isOver = true;
    });
    await settled(() => isOver, STOP_MS);
    for (const { thread, link } of all) {
      link.close();
      thread.terminate();
    }
    this.#running.clear();
  }

  /** Starts a thread; `started` fails with a {@linkcode StreamError} (`unreachable`) where it cannot. */
  #launch(own: number): { readonly running: Running; readonly started: Promise<void> } {
    const { shared, askThere, workers, openThread } = this.#options;
    const worker = openThread?.() ?? openShardThread(shared.isolatesThreads);
    const listening = Promise.withResolvers<void>();
    const hub = this.#hub;
    const fail = (why: string) =>
      listening.reject(
        new StreamError("unreachable", `Cannot start a thread of the relay: ${why}`),
      );
    const thread = new Thread<ToShard, FromShard>(worker, {
      onNews: (news) => {
        if (news.type === "listening") {
          this.#restarts.listens(own, hub.clock.nowMs());
          listening.resolve();
        } else if (news.type === "failed") {
          listening.reject(new StreamError("unreachable", news.message));
        } else if (news.type === "stopped") running.stopped.resolve();
        else running.link.receive(news);
      },
      onDefect: ({ message }) => {
        fail(message);
        this.#lost(running, message);
      },
    });
    const running: Running = {
      thread,
      own,
      stopped: Promise.withResolvers(),
      heardMs: hub.clock.nowMs(),
      link: new ShardLink({
        hub,
        askThere,
        tell: (message, transfer) => thread.order(message, transfer),
        takeIn: (bytes) => hub.memory.takeIn(own, bytes),
      }),
    };
    this.#running.set(own, running);
    thread.order({
      type: "start",
      start: {
        ...shared,
        options: hub.options,
        certificate: this.#certificate,
        threads: workers + 1,
        own,
        isOpen: hub.guard.isOpen,
        needsToken: hub.guard.needsToken,
        originMs: performance.timeOrigin,
      },
    });
    if (this.#isRefusing) thread.order({ type: "refuse" });
    const timer = setTimeout(() => fail(`it did not start within ${START_MS / 1000} s`), START_MS);
    const started = listening.promise.finally(() => clearTimeout(timer));
    return { running, started };
  }

  /** A thread has died, or is as good as dead: its peers are gone, and another takes its place. */
  #lost(running: Running, why: string): void {
    const { own, thread, link, stopped } = running;
    stopped.resolve();
    if (this.#running.get(own) !== running) return;
    this.#running.delete(own);
    thread.terminate();
    link.close();
    const { counts, visits } = this.#options.shared;
    clearCounts(counts, own);
    clearVisits(visits, own);
    this.#startLater(own, why);
  }

  #startLater(own: number, why: string): void {
    if (this.#isStopping) return;
    const { after = afterTimeout } = this.#options;
    const delayMs = this.#restarts.lost(own, why, this.#hub.clock.nowMs());
    this.#tell();
    this.#cancels.set(own, after(delayMs, () => this.#restart(own)));
  }

  #restart(own: number): void {
    this.#cancels.delete(own);
    try {
      const { running, started } = this.#launch(own);
      started.catch((error: Error) => this.#lost(running, error.message));
    } catch (error) {
      // Not even the worker came about.
      this.#startLater(own, messageOf(error));
    }
  }

  /** Tells of threads that were lost. */
  #tell(): void {
    const loss = this.#restarts.untold(this.#hub.clock.nowMs());
    if (loss === undefined) return;
    const { count, own, why, delayMs } = loss;
    const often = count === 1 ? "" : ` (${count} times since the last such line, this one last)`;
    this.#hub.log.error(
      `lost a thread of the relay, starting another in ${delayMs / 1000} s: ${why}${often}`,
      { thread: own, count },
    );
  }
}

function afterTimeout(delayMs: number, act: () => void): () => void {
  const timer = setTimeout(act, delayMs);
  return () => clearTimeout(timer);
}

function openShardThread(isIsolated: boolean): Worker {
  const url = new URL("./shard_worker.ts", import.meta.url);
  return openWorker(url, isIsolated ? "net" : undefined);
}

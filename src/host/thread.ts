/**
 * Threads: how the one that starts another and the other talk to each other.
 *
 * @module
 */
import process from "node:process";

/** What news say that they are, where they do. */
export type TypeOf<News> = News extends { readonly type: infer Type extends string } ? Type : never;

/** What a {@linkcode Thread} tells whoever started it. */
export interface ThreadListener<News> {
  /** Told of everything that the thread says. */
  readonly onNews?: (news: News) => void;
  /** Told of an error that nobody has caught there. */
  readonly onDefect: (error: Error) => void;
}

/** A thread seen from the one that started it. Sends orders to a worker and hands its news out. */
export class Thread<Order, News> {
  readonly #worker: Worker;
  readonly #waiting = new Map<string, ((news: News) => void)[]>();

  /** The thread of `worker`, to which nobody else listens. */
  constructor(worker: Worker, { onNews, onDefect }: ThreadListener<News>) {
    this.#worker = worker;
    worker.onmessage = ({ data: news }: MessageEvent<News>) => {
      const { type = "" } = news as { readonly type?: string };
      for (const done of this.#waiting.get(type)?.splice(0) ?? []) done(news);
      onNews?.(news);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      onDefect(new Error(event.message));
    };
  }

  /** Sends an order; `transfer` is handed over. */
  order(order: Order, transfer: Transferable[] = []): void {
    this.#worker.postMessage(order, transfer);
  }

  /** The next news of this type. */
  next<T extends TypeOf<News>>(type: T): Promise<Extract<News, { readonly type: T }>> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(type) ?? [];
      this.#waiting.set(type, [...waiting, resolve as (news: News) => void]);
    });
  }

  /** Ends it at once. */
  terminate(): void {
    this.#worker.terminate();
  }
}

/**
 * What a thread may do: nothing outside itself; or connect and listen as well; or read and write what is
 * in one folder.
 */
export type ThreadRights = "none" | "net" | { readonly folder: string };

/**
 * Starts the module at `url` in a thread. With `rights` it has no others than these, whatever the program
 * has; that needs `--unstable-worker-options`, without which Deno ends the program. They are so few that
 * a program can give all others up, and start such threads later.
 */
export function openWorker(url: URL, rights: ThreadRights | undefined): Worker {
  if (rights === undefined) return new Worker(url, { type: "module" });
  const files = typeof rights === "string" ? false : [rights.folder];
  const none = { env: false, sys: false, run: false, ffi: false, import: false };
  const permissions = { ...none, read: files, write: files, net: rights === "net" };
  return new Worker(url, { type: "module", deno: { permissions } });
}

/**
 * Has modules of Node.js find no variables in this thread, which may read none. `ws` looks for some as it
 * is loaded, and would fail.
 */
export function emptyEnvironment(): void {
  process.env = {};
}

/** A thread seen from within: the part of a worker's global scope that it talks through. */
export interface ThreadScope<Order, News> {
  /** Called with each order. */
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  /** Sends news; `transfer` is handed over. */
  postMessage(news: News, transfer?: Transferable[]): void;
}

/** The scope of the thread that this runs in, which must be one that another started. */
export function threadScope<Order, News>(): ThreadScope<Order, News> {
  return globalThis as unknown as ThreadScope<Order, News>;
}

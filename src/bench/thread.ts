/**
 * A thread seen from the one that started it.
 *
 * @module
 */

/** Sends orders to a worker and hands its news out. */
export class Thread<Order, News extends { readonly type: string }> {
  readonly #worker: Worker;
  readonly #waiting = new Map<string, ((news: News) => void)[]>();

  /**
   * @param onNews told of everything that the worker says
   * @param onDefect told of an error that nobody has caught there
   */
  constructor(
    worker: Worker,
    { onNews, onDefect }: {
      readonly onNews?: (news: News) => void;
      readonly onDefect: (error: Error) => void;
    },
  ) {
    this.#worker = worker;
    worker.onmessage = ({ data: news }: MessageEvent<News>) => {
      for (const done of this.#waiting.get(news.type)?.splice(0) ?? []) done(news);
      onNews?.(news);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      onDefect(new Error(event.message));
    };
  }

  /** Sends an order. */
  order(order: Order): void {
    this.#worker.postMessage(order);
  }

  /** The next news of this type. */
  next<T extends News["type"]>(type: T): Promise<Extract<News, { readonly type: T }>> {
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

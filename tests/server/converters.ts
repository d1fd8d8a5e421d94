/** Converters whose time and threads a test moves by hand. */
import { bareConfig } from "../../src/core/frame.ts";
import type { ConvertRequest } from "../../src/http/convert_worker.ts";
import { Converter, type ConverterOptions, type ConvertFor } from "../../src/http/converter.ts";

/** A request that can be fulfilled, for a picture of one gray pixel. */
export function request(level = 0): ConvertRequest {
  return {
    data: Uint8Array.of(level),
    config: bareConfig("raw", { width: 1, height: 1, pixelFormat: "gray" }),
    isPng: false,
    to: "png",
    maxPixels: 100,
  };
}

/** A thread that answers when it is told to, and says what it was given. */
export class HandThread {
  readonly orders: ConvertRequest[] = [];
  isEnded = false;
  onmessage: ((event: MessageEvent) => void) | null = null;

  postMessage(request: ConvertRequest): void {
    this.orders.push(request);
  }

  answer(tookMs: number): void {
    this.onmessage?.(new MessageEvent("message", { data: { result: new Uint8Array(1), tookMs } }));
  }

  terminate(): void {
    this.isEnded = true;
  }
}

/** A converter whose time and threads are moved by hand. */
export class ByHand implements Disposable {
  readonly threads: HandThread[] = [];
  readonly converter: Converter;
  nowMs = 0;

  constructor(options: ConverterOptions = {}) {
    this.converter = new Converter({ nowMs: () => this.nowMs, wallUs: () => 0 }, {
      openThread: () => {
        const thread = new HandThread();
        this.threads.push(thread);
        return thread as unknown as Worker;
      },
      ...options,
    });
  }

  /** Asks for a picture that is called `level`. */
  ask(level: number, share: ConvertFor): Promise<unknown> {
    return this.converter.convert(() => request(level), share);
  }

  /** What the threads were given, in order. */
  get given(): number[] {
    return this.threads.flatMap(({ orders }) => orders.map(({ data }) => data[0]!));
  }

  [Symbol.dispose](): void {
    this.converter.stop();
  }
}

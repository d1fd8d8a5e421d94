/**
 * Asks the thread that has the streams who may do what.
 *
 * @module
 */
import type { AccessQuestion, Ruling } from "../access/access.ts";
import type { Guard, Occasion } from "../access/guard.ts";
import { StreamError } from "../errors.ts";
import { Questions } from "../host/questions.ts";
import type { FromShard, ShardStart } from "./shard_message.ts";

const ALLOWED: Ruling = { decision: "allowed" };

/** A guard that knows nothing itself, so that all threads decide alike and count together. */
export class ShardGuard implements Guard {
  readonly needsToken: boolean;
  readonly isOpen: boolean;
  readonly #tell: (message: FromShard) => void;
  readonly #questions = new Questions<Ruling | string>();
  readonly #listeners = new Set<() => void>();
  #changes = 0;

  constructor(
    { isOpen, needsToken }: Pick<ShardStart, "isOpen" | "needsToken">,
    tell: (message: FromShard) => void,
  ) {
    this.isOpen = isOpen;
    this.needsToken = needsToken;
    this.#tell = tell;
  }

  ask(question: AccessQuestion, occasion: Occasion): Ruling | Promise<Ruling> {
    return this.isOpen ? ALLOWED : this.#ask(question, occasion);
  }

  get changes(): number {
    return this.#changes;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An answer has come; text says why there is none. */
  answer(id: number, ruling: Ruling | string): void {
    this.#questions.answer(id, ruling);
  }

  /** Who is there has to be asked about again. */
  changed(): void {
    this.#changes++;
    for (const listener of [...this.#listeners]) listener();
  }

  async #ask(question: AccessQuestion, occasion: Occasion): Promise<Ruling> {
    const put = (id: number) => this.#tell({ type: "rule", id, question, occasion });
    const ruling = await this.#questions.ask(put);
    if (typeof ruling === "string") throw new StreamError("failed", ruling);
    return ruling;
  }
}

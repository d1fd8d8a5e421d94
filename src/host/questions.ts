/**
 * Questions whose answers come in messages.
 *
 * @module
 */
import { within } from "./within.ts";

/** Questions to somebody elsewhere, told apart by their numbers until they are answered. */
export class Questions<Answer> {
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  /** Asks by a message with the number that it is given, and waits for the answer. */
  ask(put: (id: number) => void): Promise<Answer> {
    return this.#put(++this.#lastId, put);
  }

  /** As {@linkcode ask}, for so many milliseconds: then there is no answer, but `undefined`. */
  async askWithin(ms: number, put: (id: number) => void): Promise<Answer | undefined> {
    const id = ++this.#lastId;
    try {
      return await within(ms, this.#put(id, put));
    } finally {
      this.#asked.delete(id);
    }
  }

  /** An answer has come. One that nobody waits for is forgotten. */
  answer(id: number, answer: Answer): void {
    this.#asked.get(id)?.(answer);
    this.#asked.delete(id);
  }

  /** Answers everything that is still asked. */
  answerAll(answer: Answer): void {
    for (const id of [...this.#asked.keys()]) this.answer(id, answer);
  }

  #put(id: number, put: (id: number) => void): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.set(id, resolve);
    put(id);
    return promise;
  }
}

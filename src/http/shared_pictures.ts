/**
 * Single pictures that are being sent: each is in memory once, however many clients get it.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import { Slots } from "../host/slots.ts";
import type { Memory } from "../relay/memory.ts";

/** Most pictures that are found and copied at a time. */
const MAX_COPIES = 12;

/** The status of an answer, between threads only, that there is no memory for a picture. */
export const NO_MEMORY = 507;

/** A picture that clients are being sent. */
export class SharedPicture {
  /** What it is known by where it comes from. */
  readonly tag: string | null;
  readonly headers: Headers;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly #onGone: () => void;
  #holders = 0;

  /** `onGone` is told when the last one has it no more. */
  constructor(headers: Headers, data: Uint8Array<ArrayBuffer>, onGone: () => void) {
    this.tag = headers.get("etag");
    this.headers = new Headers(headers);
    this.headers.delete("etag");
    this.data = data;
    this.#onGone = onGone;
  }

  /** So many more have it. */
  hold(holders = 1): void {
    this.#holders += holders;
  }

  /** One has it no more; with the last one its bytes are freed. */
  drop(): void {
    if (--this.#holders > 0) return;
    this.#onGone();
    release(this.data);
  }
}

/** What came of looking for a picture: whoever gets one holds it, and has to drop it. */
export type FoundPicture = SharedPicture | Response | "short";

/** Where pictures are looked for. */
export interface PictureSource {
  readonly memory: Memory;
  /** What tells this picture from others. */
  readonly key: string;
  /**
   * Answers with the newest picture and its `ETag`; with 304 where that is the picture known by `tag`,
   * and with {@linkcode NO_MEMORY}.
   */
  readonly find: (tag: string | null) => Promise<Response>;
}

interface Search {
  waiting: number;
  readonly found: Promise<FoundPicture>;
}

/**
 * Has each picture in memory once for all who get it. Copies of large ones, one for each of hundreds of
 * clients, would hold everybody up, and fill more memory than is given back soon.
 */
export class SharedPictures {
  /** What is being sent, the newest of each key. */
  readonly #sent = new Map<string, SharedPicture>();
  readonly #searches = new Map<string, Search>();
  // Until it is counted, a picture is there several times.
  readonly #copying = new Slots(MAX_COPIES);

  /** The newest picture, which is looked for once for all who ask meanwhile. */
  async get(source: PictureSource): Promise<FoundPicture> {
    const { key } = source;
    const search = this.#searches.get(key) ??
      { waiting: 0, found: this.#copying.run(() => this.#search(source)) };
    this.#searches.set(key, search);
    search.waiting++;
    const found = await search.found;
    return found instanceof Response ? found.clone() : found;
  }

  async #search(source: PictureSource): Promise<FoundPicture> {
    const { key } = source;
    const known = this.#sent.get(key);
    known?.hold();
    try {
      const found = await this.#find(source, known);
      if (found instanceof SharedPicture) found.hold(this.#searches.get(key)!.waiting);
      return found;
    } finally {
      this.#searches.delete(key);
      known?.drop();
    }
  }

  async #find(
    { memory, key, find }: PictureSource,
    known: SharedPicture | undefined,
  ): Promise<FoundPicture> {
    const response = await find(known?.tag ?? null);
    if (response.status === 304 && known !== undefined) return known;
    if (response.status === NO_MEMORY) return "short";
    if (!response.ok) return response;
    const data = await response.bytes();
    const { underWay, plan } = memory;
    if (!underWay.take(data.byteLength, plan.reserveBytes)) {
      release(data);
      return "short";
    }
    const bytes = data.byteLength;
    const picture = new SharedPicture(response.headers, data, () => {
      underWay.give(bytes);
      if (this.#sent.get(key) === picture) this.#sent.delete(key);
    });
    this.#sent.set(key, picture);
    return picture;
  }
}

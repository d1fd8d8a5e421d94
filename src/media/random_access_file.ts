/**
 * A file that is read at any place.
 *
 * @module
 */

/** Bytes that are read from the disk at once, at a multiple of this. */
const PAGE_BYTES = 64 * 1024;
/** Pages that are kept; with one page of a frame and some of the file's index, most reads hit. */
const MAX_PAGES = 64;

/** Bytes that are read at any place. */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number;
  /** The bytes from `start` to `end`; fewer where they end before. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Reads ranges of a file, and keeps a little of what it has read. */
export class RandomAccessFile implements ByteSource {
  /** Size in bytes when it was opened. */
  readonly size: number;
  readonly #file: Deno.FsFile;
  /** Pages by their number, the one used last at the end. */
  readonly #pages = new Map<number, Uint8Array<ArrayBuffer>>();
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** The bytes from `start` to `end`; fewer where the file ends before. */
  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, this.size) - start));
    const isLarge = bytes.length > MAX_PAGES * PAGE_BYTES / 4;
    if (isLarge) return bytes.subarray(0, await this.#readFile(start, bytes));
    for (let at = start; at < start + bytes.length;) {
      const number = Math.floor(at / PAGE_BYTES);
      const page = await this.#page(number);
      const part = page.subarray(
        at - number * PAGE_BYTES,
        start + bytes.length - number * PAGE_BYTES,
      );
      // The file has become shorter.
      if (part.length === 0) return bytes.subarray(0, at - start);
      bytes.set(part, at - start);
      at += part.length;
    }
    return bytes;
  }

  /** Closes the file once the reads under way have ended. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turn;
    this.#pages.clear();
    this.#file.close();
  }

  async #page(number: number): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#pages.get(number);
    this.#pages.delete(number);
    let page = known;
    if (page === undefined) {
      const bytes = new Uint8Array(PAGE_BYTES);
      page = bytes.subarray(0, await this.#readFile(number * PAGE_BYTES, bytes));
    }
    this.#pages.set(number, page);
    if (this.#pages.size > MAX_PAGES) this.#pages.delete(this.#pages.keys().next().value!);
    return page;
  }

  /** Fills `bytes` from `start` on, as far as the file goes, and returns how far. */
  #readFile(start: number, bytes: Uint8Array): Promise<number> {
    // The file has one position: a read waits for those before it.
    const read = this.#turn.then(async () => {
      let length = 0;
      if (this.#isClosed) return length;
      await this.#file.seek(start, Deno.SeekMode.Start);
      while (length < bytes.length) {
        const count = await this.#file.read(bytes.subarray(length));
        if (count === null) break;
        length += count;
      }
      return length;
    });
    this.#turn = read.catch(() => {});
    return read;
  }
}

/** Bytes of which some are others. */
export class PatchedBytes implements ByteSource {
  readonly size: number;
  readonly #bytes: ByteSource;
  readonly #at: number;
  readonly #read: () => Promise<Uint8Array>;
  #patch: Uint8Array | undefined;

  /** `read` gives what takes the place of the bytes from `at` on; it is asked once. */
  constructor(
    bytes: ByteSource,
    { at, read }: { readonly at: number; readonly read: () => Promise<Uint8Array> },
  ) {
    this.#bytes = bytes;
    this.#at = at;
    this.#read = read;
    this.size = bytes.size;
  }

  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const [bytes] = await Promise.all([
      this.#bytes.read(start, end),
      this.#patch ?? this.#read().then((patch) => this.#patch = patch),
    ]);
    const from = Math.max(start, this.#at);
    const to = Math.min(start + bytes.length, this.#at + this.#patch!.length);
    if (from < to) bytes.set(this.#patch!.subarray(from - this.#at, to - this.#at), from - start);
    return bytes;
  }
}

/**
 * A file for browsers, made ready when it is first asked for.
 *
 * @module
 */
// @ts-types="../../types/std_http_etag.d.ts"
import { eTag } from "@std/http/etag";

/** What a browser gets. */
export interface ServedAsset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Changes with the bytes. */
  readonly etag: string;
}

/** A file for browsers. */
export class Asset {
  /** Its media type. */
  readonly type: string;
  readonly #make: () => string;
  #content: string | undefined;
  #served: Promise<ServedAsset> | undefined;

  /** A file of the media type `type`, whose text `make` returns. */
  constructor(type: string, make: () => string) {
    this.type = type;
    this.#make = make;
  }

  /** The text that a browser gets. */
  get content(): string {
    return this.#content ??= this.#make();
  }

  /** The bytes that a browser gets. */
  served(): Promise<ServedAsset> {
    return this.#served ??= servedAsset(this.content);
  }
}

/** `content` as a browser gets it. */
export async function servedAsset(content: string): Promise<ServedAsset> {
  const bytes = new TextEncoder().encode(content);
  return { bytes, etag: await eTag(bytes) };
}

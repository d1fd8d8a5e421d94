// Types for `@std/http/etag`.

export function eTag(entity: string | Uint8Array): Promise<string>;
export function ifNoneMatch(value: string | null, etag: string | undefined): boolean;

/**
 * Folders that tests write to, and frames to send.
 *
 * @module
 */
import { jpeg } from "../split/samples.ts";

/** A folder of its own, removed with all that is in it when it is disposed of. */
export interface Folder extends AsyncDisposable {
  /** Its path, without a slash at the end. */
  readonly path: string;
  /** Names in the folder, or in one below it, in order; none where there is no such folder. */
  names(below?: string): Promise<string[]>;
  /** The files of {@linkcode Folder.names}, in the same order. */
  files(below?: string): Promise<Uint8Array[]>;
}

/** Makes a folder in the system's place for such. */
export async function makeFolder(): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "stream_test_" });
  const names = async (below = ".") => {
    try {
      return (await Array.fromAsync(Deno.readDir(`${path}/${below}`), ({ name }) => name)).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  };
  return {
    path,
    names,
    files: async (below = ".") =>
      await Promise.all(
        (await names(below)).map((name) => Deno.readFile(`${path}/${below}/${name}`)),
      ),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** `count` JPEG images that differ; `bytes` is what their scans have at least. */
export function jpegs(count: number, bytes = 100): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: count }, (_, index) => {
    // No ff, which would be a marker.
    const scan = Uint8Array.from({ length: bytes }, (_, at) => (index * 7 + at * 31) % 251);
    scan.set([index % 251, Math.floor(index / 251)]);
    return jpeg({ scan });
  });
}

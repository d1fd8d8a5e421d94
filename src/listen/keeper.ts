/**
 * A self-signed certificate that is there for as long as a relay runs.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { openWorker, Thread } from "../host/thread.ts";
import { within } from "../host/within.ts";
import type { CertificateFiles } from "./certificate.ts";
import type { CertifiedNames } from "./certified_names.ts";
import type { KeeperNews } from "./keeper_worker.ts";
import {
  certFileIn,
  type KeepOrder,
  type KeptCertificate,
  pairFileIn,
  unwritable,
} from "./kept_certificate.ts";

/** How often it is looked whether a certificate has to be made anew, in milliseconds. */
const LOOK_MS = 3_600_000;
/** Longest that a look may take, in milliseconds: another process may be stopped while it writes. */
const MAX_LOOK_MS = 30_000;

/** Options of {@linkcode openKeeper}. */
export interface KeeperOptions {
  /** The folder that the certificate is kept in, which is made where it is not there. */
  readonly folder: string;
  readonly names: CertifiedNames;
  readonly log: Log;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: () => number;
  /** How often it is looked at again, in milliseconds. @default {an hour} */
  readonly lookMs?: number;
}

/** What keeps a certificate until it is disposed of. */
export interface Keeper extends Disposable {
  /** What a listener uses. */
  readonly files: CertificateFiles;
}

/**
 * Has a certificate in a folder, says which, and has it made anew there before it expires. What listens
 * takes that up as it does any that has changed. Once this is done, the program may give up the right to
 * write.
 *
 * @throws {StreamError} (`usage`) where the folder cannot be made or written
 */
export async function openKeeper(options: KeeperOptions): Promise<Keeper> {
  const { names, log, wallMs, lookMs = LOOK_MS } = options;
  const folder = await makeFolder(options.folder);
  let defect: (error: Error) => void = () => {};
  const thread = new Thread<KeepOrder, KeeperNews>(openThread(folder), {
    onDefect: (error) => defect(error),
  });
  const look = async (checksNames: boolean): Promise<KeptCertificate> => {
    const failed = new Promise<never>((_, reject) => defect = reject);
    const done = thread.next("done");
    thread.order({ folder, names, checksNames, nowMs: wallMs() });
    const news = await within(MAX_LOOK_MS, Promise.race([done, failed]));
    if (news === undefined) throw unwritable(folder, new Error("another process holds its lock"));
    if ("failed" in news) throw new StreamError("usage", news.failed);
    return news.kept;
  };
  const tell = ({ madeBecause, fingerprint, untilMs }: KeptCertificate) => {
    const until = new Date(untilMs).toISOString().slice(0, 10);
    if (madeBecause !== undefined) {
      log.info(`made a certificate for ${names.all.join(", ")}: ${madeBecause}`);
    }
    const certFile = certFileIn(folder);
    log.info(
      `clients trust the certificate by --ca ${certFile} (until ${until}); its SHA-256 fingerprint is ` +
        fingerprint,
      { certFile, fingerprint, until },
    );
  };
  try {
    tell(await look(true));
  } catch (error) {
    thread.terminate();
    throw error;
  }
  let told = "";
  let timer: ReturnType<typeof setTimeout>;
  const wait = () =>
    timer = setTimeout(async () => {
      try {
        // By then another relay of this machine may know of other addresses.
        const kept = await look(false);
        if (kept.madeBecause !== undefined) tell(kept);
        told = "";
      } catch (error) {
        const { message } = error as Error;
        // It is told once, and by what listens when the one before has expired.
        if (message !== told && !isStopped) {
          log.warn(`${message}; the certificate before stays in use`);
        }
        told = message;
      }
      if (!isStopped) wait();
    }, lookMs);
  let isStopped = false;
  wait();
  return {
    files: { certFile: pairFileIn(folder), keyFile: pairFileIn(folder) },
    [Symbol.dispose]: () => {
      isStopped = true;
      clearTimeout(timer);
      thread.terminate();
      defect(new Error("it has ended"));
    },
  };
}

/** Makes a folder that only its owner may look into; returns it as it is called without links. */
async function makeFolder(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const { mode } = await Deno.stat(path);
    // It was there, and others could look into it.
    if (mode !== null && (mode & 0o077) !== 0) await Deno.chmod(path, 0o700).catch(() => {});
    return await Deno.realPath(path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function openThread(folder: string): Worker {
  try {
    return openWorker(new URL("./keeper_worker.ts", import.meta.url), { folder });
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

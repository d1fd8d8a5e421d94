/**
 * A relay in a program of one's own.
 *
 * @module
 */
import type { Access } from "../access/access.ts";
import { anyOf, openFor } from "../access/any_of.ts";
import { StreamError } from "../errors.ts";
import { type Clock, systemClock } from "../host/clock.ts";
import { DEFAULT_LISTEN_LIMITS, type ListenLimits } from "../listen/limits.ts";
import type { CertificateFiles } from "../listen/certificate.ts";
import { isLoopback } from "../listen/listen.ts";
import type { ListenerKind } from "../listen/listener.ts";
import type { Log } from "../host/log.ts";
import { DEFAULT_OPTIONS, type RelayOptions } from "../relay/options.ts";
import { createRelay as createWith, type EmbeddedRelay, type RelayContext } from "./relay.ts";
import { type Relay, serve as serveWith } from "./serve.ts";

export { anyOf } from "../access/any_of.ts";
export { AskedElsewhere } from "../access/asked_elsewhere.ts";
export {
  type FiledSecrets,
  openSecretFiles,
  secretFault,
  type SecretFile,
} from "../access/secret_files.ts";
export { type Secrets, sharedSecrets } from "../access/secrets.ts";
export { type FiledTokens, openTokenFiles, type TokenFiles } from "../access/token_files.ts";
export { newKey, type PatternClaims, signToken } from "../access/token_maker.ts";
export { certifiedNames } from "../listen/certified_names.ts";
export { type Keeper, openKeeper } from "../listen/keeper.ts";
export { isLoopback } from "../listen/listen.ts";
export {
  type Access,
  type CertificateFiles,
  DEFAULT_LISTEN_LIMITS,
  DEFAULT_OPTIONS,
  type ListenerKind,
  type ListenLimits,
  type Relay,
  type RelayOptions,
};

/** Options of {@linkcode createRelay}. */
export interface CreateRelayOptions extends Partial<RelayOptions> {
  /** Who may do what. @default {everybody may do everything} */
  readonly access?: Access;
  /** Path under which the relay is, as `/video`, without a slash at the end. @default {""} */
  readonly base?: string;
  /** Asks for the end, as disposing of the relay does. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
  /** Told of what happens, in sentences. @default {undefined} */
  readonly onLog?: (line: LogLine) => void;
  /** Where instants come from. @default {the clocks of the system} */
  readonly clock?: Clock;
}

/** Options of {@linkcode serve}. */
export interface ServeOptions extends CreateRelayOptions, Partial<ListenLimits> {
  /** Address to listen on; `0.0.0.0` for all. @default {"127.0.0.1"} */
  readonly host?: string;
  /** Port to listen on; 0 for a free one. @default {8080} */
  readonly port?: number;
  /**
   * Whether everybody who reaches it may do everything, which an address beyond this machine needs where
   * `access` is not there; beside `access`, everybody may watch. @default {false}
   */
  readonly open?: boolean;
  /** Threads that send to viewers; more than one needs Linux, and no `base`. @default {1} */
  readonly workers?: number;
  /**
   * What listens: Deno's own server, or that of `node:http` with the WebSockets of `ws`, which breaks
   * off who sends half a request or does not answer its close.
   * @default {`deno` for this machine and one thread without TLS, else `node`}
   */
  readonly listener?: ListenerKind;
  /**
   * Files with a certificate and its key, for `https:` and `wss:`. They are looked at every second, and
   * taken up when they change. @default {none: plain HTTP}
   */
  readonly tls?: CertificateFiles;
  /**
   * Whether threads get no rights but those that they need, whatever the program has. Needs
   * `--unstable-worker-options`, without which Deno ends the program. @default {false}
   */
  readonly isolateThreads?: boolean;
}

/** A sentence about what happens in a relay. */
export interface LogLine {
  /** `info`: it was meant to happen; `warn`: somebody should know of it; `error`: a defect. */
  readonly level: "info" | "warn" | "error";
  /** The sentence. */
  readonly message: string;
  /** The values in it. */
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * Starts a relay that listens, and runs until it is disposed of, or the signal is aborted: it then takes
 * in no more, lets queues drain for a moment, tells every peer (close code 1001) and stops.
 *
 * @example
 * ```ts
 * import { serve } from "@stream/relay";
 *
 * await using relay = await serve({ port: 0, fps: 30 });
 * console.log(`open ${relay.address} in a browser`);
 * await relay.closed;
 * ```
 *
 * @throws {StreamError} `unreachable` when it cannot listen, `usage` when it would be open to more than
 * this machine and neither `access` nor `open` says so, when `workers` and `base` come together, or files
 * are no certificate and its key
 */
export async function serve(options: ServeOptions = {}): Promise<Relay> {
  const { host = "127.0.0.1", port = 8080, workers = 1, listener, tls } = options;
  const { access, open = false } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new StreamError("usage", `Cannot serve with ${workers} workers: give 1 or more`);
  }
  if (access === undefined && !open && !isLoopback(host)) {
    throw new StreamError(
      "usage",
      `Cannot serve on ${host}: everybody who reaches it could publish, watch and govern; say who may ` +
        "by access, or permit it by open: true",
    );
  }
  return await serveWith(
    {
      ...given(DEFAULT_OPTIONS, options),
      host,
      port,
      workers,
      ...(listener === undefined ? {} : { listener }),
      ...(tls === undefined ? {} : { tls }),
      limits: given(DEFAULT_LISTEN_LIMITS, options),
    },
    {
      ...contextOf(options),
      ...(access !== undefined && open ? { access: anyOf([openFor(["watch"]), access]) } : {}),
      isolatesThreads: options.isolateThreads ?? false,
      countsDescriptors: true,
    },
  );
}

/**
 * Starts a relay that answers the requests that it is handed, beside what else a program answers. It
 * ends as that of {@linkcode serve} does.
 *
 * @example
 * ```ts
 * import { createRelay } from "@stream/relay";
 *
 * await using relay = createRelay({ base: "/video" });
 * await using server = Deno.serve((request, info) =>
 *   new URL(request.url).pathname.startsWith("/video/")
 *     ? relay.handle(request, info)
 *     : new Response("hello")
 * );
 * await server.finished;
 * ```
 */
export function createRelay(options: CreateRelayOptions = {}): EmbeddedRelay {
  // The program that listens knows its names.
  const { hostNames = ["*"] } = options;
  return createWith({ ...given(DEFAULT_OPTIONS, options), hostNames }, contextOf(options));
}

/** What `options` say of what has a default, and the default of the rest. */
function given<T extends object>(defaults: T, options: Partial<T>): T {
  const said = Object.entries(options).filter(([name, value]) =>
    Object.hasOwn(defaults, name) && value !== undefined
  );
  return { ...defaults, ...Object.fromEntries(said) };
}

function contextOf(options: CreateRelayOptions): RelayContext {
  const { clock = systemClock, signal = new AbortController().signal, access, base } = options;
  return {
    clock,
    signal,
    log: logTo(options.onLog ?? (() => {})),
    ...(access === undefined ? {} : { access }),
    ...(base === undefined ? {} : { base }),
  };
}

function logTo(onLog: (line: LogLine) => void): Log {
  return {
    info: (message, fields = {}) => onLog({ level: "info", message, fields }),
    warn: (message, fields = {}) => onLog({ level: "warn", message, fields }),
    error: (message, fields = {}) => onLog({ level: "error", message, fields }),
    // A relay has none.
    progress: () => {},
  };
}

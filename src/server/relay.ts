/**
 * A relay within a program that listens for it.
 *
 * @module
 */
import type { Access } from "../access/access.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import { Converter, openConvertThread } from "../http/converter.ts";
import { answersThere, type AskThere, requestHandler } from "../http/handler.ts";
import { AllPictures } from "../http/stream_pictures.ts";
import { publishBody } from "../ingest/publish_body.ts";
import { DenoBodies } from "../listen/deno_body.ts";
import { answer, type ConnectionInfo } from "../listen/deno_listener.ts";
import type { Handler } from "../listen/listener.ts";
import { Hub, type HubContext } from "../relay/hub.ts";
import type { RelayOptions } from "../relay/options.ts";
import { run, type Running } from "./running.ts";

/** What a relay works with. */
export interface RelayContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Asks for the end. */
  readonly signal: AbortSignal;
  /** Who may do what. @default {everybody may do everything} */
  readonly access?: Access;
  /** Path under which the relay is, as `/video`, without a slash at the end. @default {""} */
  readonly base?: string;
  /** Whether threads get no rights but those that they need. @default {false} */
  readonly isolatesThreads?: boolean;
  /** Proxies that wrong tokens of others come from. @default {none} */
  readonly trustedProxies?: readonly string[];
}

/** A relay that runs without listening. */
export interface EmbeddedRelay extends Running {
  /**
   * Answers a request of `Deno.serve`, and serves the WebSocket that it may ask for. `info` tells
   * whose request it is.
   */
  readonly handle: (request: Request, info?: ConnectionInfo) => Promise<Response>;
}

/**
 * Starts a relay that answers the requests it is handed, beside what else a program answers. It runs
 * until the signal is aborted or it is disposed of, then lets queues drain for a moment and tells every
 * peer (1001).
 */
export function createRelay(options: RelayOptions, context: RelayContext): EmbeddedRelay {
  const { hub, handler, pictures } = openStreams(options, context);
  const bodies = new DenoBodies();
  const running = run(hub, {
    signal: context.signal,
    refuse: () => {},
    close: () => {
      bodies.endAll();
      pictures.stop();
    },
  });
  const answering = { handler, refusals: hub.refusals, bodies };
  return { ...running, handle: (request, info) => answer(answering, request, info) };
}

/** The streams of a relay in the thread that has them, and who answers requests for them. */
export interface OpenStreams {
  readonly hub: Hub;
  readonly pictures: AllPictures;
  readonly askThere: AskThere;
  readonly handler: Handler;
}

/** Makes a relay's streams; `memory` and `refusals` are what it counts together with other threads. */
export function openStreams(
  options: RelayOptions,
  context: Omit<RelayContext, "signal"> & Pick<HubContext, "memory" | "refusals">,
): OpenStreams {
  const { clock, log, base = "" } = context;
  const hub = new Hub(options, context);
  const pictures = new AllPictures(
    new Converter(clock, {
      openThread: () => openConvertThread(context.isolatesThreads),
    }),
    log,
  );
  const askThere = answersThere({ hub, pictures });
  return {
    hub,
    pictures,
    askThere,
    handler: requestHandler({ streams: hub, pictures, publishBody, askThere, base }),
  };
}

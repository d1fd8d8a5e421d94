/**
 * Publishes the body of a request, as `stream publish` does with a pipe.
 *
 * @module
 */
import { InputError, StreamError } from "../errors.ts";
import { DamageReport } from "../files/damage_report.ts";
import { type FrameSource, type SourceFrame, SplitSource } from "../files/frame_source.ts";
import { SourcePublisher } from "../files/source_publisher.ts";
import type { Log } from "../host/log.ts";
import { text } from "../http/responses.ts";
import type { Asked, Here } from "../http/route.ts";
import type { ClientSocket } from "../net/socket.ts";
import { acceptPeer } from "../relay/accept.ts";
import type { Streams } from "../relay/streams.ts";
import { createInputSplitter } from "../media/input_splitter.ts";
import { CLOSE } from "../wire/close_code.ts";
import { BodyInput } from "./body_input.ts";
import { LocalSocket } from "./local_socket.ts";
import { PostFault, readPosted } from "./posted.ts";

/** What the input is called in messages. */
const NAME = "the body of the request";

/** The statuses for the codes with which the relay ends a publisher; others are its own failure. */
const STATUS_BY_CODE: ReadonlyMap<number, number> = new Map([
  [CLOSE.busy, 409],
  [CLOSE.takenOver, 409],
  [CLOSE.ended, 409],
  [CLOSE.refused, 403],
  [CLOSE.accessEnded, 403],
  [CLOSE.tooLarge, 413],
  [CLOSE.goingAway, 503],
  [CLOSE.full, 503],
  [CLOSE.tryAgainLater, 503],
]);
const RETRY_AFTER_S = 5;

/** Publishes what comes in a request's body until that ends; the answer has the totals. */
export async function publishBody({ streams }: Here, asked: Asked): Promise<Response> {
  const { request, url, name } = asked;
  try {
    const posted = readPosted(request, url, streams.options);
    if (request.body === null) throw new PostFault(422, "the request has no body");
    asked.takeTime();
    return await publishInput(streams, asked, request.body, posted);
  } catch (error) {
    if (!(error instanceof PostFault)) throw error;
    const { status, message } = error;
    const retry = status === 503 ? { "retry-after": String(RETRY_AFTER_S) } : {};
    return text(status, `Cannot publish to "${name}": ${message}\n`, retry);
  }
}

async function publishInput(
  streams: Streams,
  { name, asker, untilMs, changes }: Asked,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { input, onFull, takeover }: ReturnType<typeof readPosted>,
): Promise<Response> {
  const { options, clock, unfinished, bodyTurns, refusals } = streams;
  const bodyInput = new BodyInput({
    body,
    stallTimeoutMs: options.stallTimeoutMs,
    unfinished,
    turns: bodyTurns,
  });
  /** How the relay has ended the publisher. */
  let end: { readonly code: number; readonly reason: string } | undefined;
  const stop = new AbortController();
  const log = logOf(streams.log, name, () => end !== undefined);
  const openSocket = () => {
    const socket = new LocalSocket((relaySide) =>
      acceptPeer(streams, {
        ...relaySide,
        close: (code, reason) => {
          end ??= { code, reason };
          relaySide.close(code, reason);
          // There is no other relay to come back to. The publisher hears of the end first.
          setTimeout(() => stop.abort());
        },
      }, {
        name,
        joinFrom: "key",
        asker,
        role: "stream.v1",
        actions: ["publish"],
        untilMs,
        changes,
        fault: undefined,
      })
    );
    return socket as unknown as ClientSocket;
  };
  const report = new DamageReport({ log, clock });
  const onNote = (sentence: string) => log.warn(sentence);
  const splitter = createInputSplitter(
    input.format === "raw" ? input : { ...input, name: NAME, onNote },
  );
  const source = new SplitSource(bodyInput.stream, splitter, NAME, {
    isStrict: false,
    onDamage: (fault, runs) => report.add(fault, runs),
  });
  const publisher = new SourcePublisher({
    url: `ws://localhost/${name}`,
    takeover,
    onFull,
    openSocket,
    outlivesRelay: false,
    giveUpMs: 0,
    clock,
    log,
  });
  const startMs = clock.nowMs();
  let fault: unknown;
  try {
    await publisher.run(told(source, () => bodyInput.whole()), stop.signal);
  } catch (error) {
    fault = error;
  } finally {
    bodyInput.stop();
  }
  const { frames, bytes, dropped } = publisher.stats();
  const seconds = ((clock.nowMs() - startMs) / 1000).toFixed(1);
  const totals =
    `${frames} ${frames === 1 ? "frame" : "frames"}, ${bytes} bytes in ${seconds} s, ` +
    `${dropped} dropped, ${source.damaged ?? 0} damaged`;
  if (end !== undefined && end.code !== CLOSE.normal) {
    throw new PostFault(STATUS_BY_CODE.get(end.code) ?? 500, `${end.reason}; published ${totals}`);
  }
  if (bodyInput.gaveUp !== undefined) throw new PostFault(503, bodyInput.gaveUp);
  // What has come by then may be no frame yet.
  if (bodyInput.hasStalled) {
    const ms = options.stallTimeoutMs;
    refusals.add("slow", "gave up a request to publish of which nothing came");
    throw new PostFault(408, `nothing came for ${ms} ms (--stall-timeout); published ${totals}`);
  }
  if (fault !== undefined) {
    const told = faultOf(fault);
    const reason = told.status === 413 ? "large" : "input";
    refusals.add(reason, `refused a body posted to "${name}": ${told.message}`);
    throw told;
  }
  return text(200, `published ${totals}\n`);
}

/** Calls `onFrame` for every frame of a source. */
function told(source: FrameSource, onFrame: () => void): FrameSource {
  return {
    get damaged(): number {
      return source.damaged ?? 0;
    },
    get isPaced(): boolean {
      return source.isPaced ?? false;
    },
    async next(): Promise<SourceFrame | undefined> {
      const frame = await source.next();
      onFrame();
      return frame;
    },
    stop: () => source.stop(),
  };
}

/** What a request is answered of which the input, or the publisher, has failed. */
function faultOf(error: unknown): PostFault {
  if (error instanceof InputError) {
    return new PostFault(error.fault.isTooLarge ? 413 : 422, lower(error.message));
  }
  if (!(error instanceof StreamError)) throw error;
  return new PostFault(error.code === "bad_input" ? 422 : 500, lower(error.message));
}

/** A sentence that goes on behind a colon, with parameters in place of options. */
function lower(sentence: string): string {
  const options = sentence.replace(/--(format|size|pixel-format|on-full) (\S+)/g, "$1=$2")
    .replace(/--(format|size|pixel-format|on-full)/g, "?$1=");
  return options.slice(0, 1).toLowerCase() + options.slice(1);
}

/**
 * A log in which every line says which stream it is about; there are none once `isOver`: what a publisher
 * says of a relay that has ended it is for the answer.
 */
function logOf(log: Log, name: string, isOver: () => boolean): Log {
  const line = (level: "info" | "warn" | "error"): Log[typeof level] => (message, fields) => {
    if (!isOver()) log[level](`"${name}": ${message}`, { stream: name, ...fields });
  };
  return { info: line("info"), warn: line("warn"), error: line("error"), progress: () => {} };
}

/**
 * The thread of a {@linkcode Shard}.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { threadClock } from "../host/clock.ts";
import { emptyEnvironment, threadScope } from "../host/thread.ts";
import { listen } from "../listen/listen.ts";
import { Shard } from "./shard.ts";
import type { FromShard, ShardStart, ToShard } from "./shard_message.ts";
import { PULSE_MS } from "../relay/watchful_clock.ts";

const MAINTENANCE_MS = 1000;

const scope = threadScope<ToShard, FromShard>();

scope.onmessage = ({ data }) => {
  if (data.type === "start") begin(data.start);
};

function begin(start: ShardStart): void {
  const tell = (message: FromShard, transfer: Transferable[] = []) =>
    scope.postMessage(message, transfer);
  if (start.isolatesThreads) emptyEnvironment();
  const shard = new Shard(start, threadClock(start.originMs), tell);
  const { host, port, listener, limits, certificate, visits, own } = start;
  const { maxFrameBytes, stallTimeoutMs } = start.options;
  const listening = listen(listener, shard.handler, {
    host,
    port,
    isShared: true,
    certificate,
    maxFrameBytes,
    stallTimeoutMs,
    unfinished: shard.unfinished,
    limits,
    visits,
    own,
    refusals: shard.refusals,
    log: shard.log,
  });
  const maintenance = setInterval(() => shard.maintain(), MAINTENANCE_MS);
  const pulse = setInterval(() => shard.clock.pulse(), PULSE_MS);
  scope.onmessage = ({ data }) => {
    if (data.type === "stop") {
      clearInterval(maintenance);
      clearInterval(pulse);
      shard.stop();
      listening.then((server) => server.shutDown()).then(() => tell({ type: "stopped" }), () => {});
    } else if (data.type === "renew") {
      listening.then((server) => server.renew(data.certificate), () => {});
    } else if (data.type !== "start") {
      shard.receive(data);
    }
  };
  listening.then(
    () => tell({ type: "listening" }),
    (error) => tell({ type: "failed", message: messageOf(error) }),
  );
}

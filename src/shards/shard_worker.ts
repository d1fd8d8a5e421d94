/**
 * The thread of a {@linkcode Shard}.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { threadClock } from "../host/clock.ts";
import { threadScope } from "../host/thread.ts";
import { listen } from "../listen/listen.ts";
import { type Listener, maxMessageBytes } from "../listen/listener.ts";
import { Shard } from "./shard.ts";
import type { FromShard, ShardStart, ToShard } from "./shard_message.ts";
import { PULSE_MS } from "../relay/watchful_clock.ts";

const MAINTENANCE_MS = 1000;

const scope = threadScope<ToShard, FromShard>();

scope.onmessage = ({ data }) => {
  if (data.type === "start") begin(data.start);
};

async function begin(start: ShardStart): Promise<void> {
  const tell = (message: FromShard, transfer: Transferable[] = []) =>
    scope.postMessage(message, transfer);
  const shard = new Shard(start, threadClock(start.originMs), tell);
  let server: Listener;
  try {
    server = await listen(start.listener, shard.handler, {
      host: start.host,
      port: start.port,
      isShared: true,
      maxMessageBytes: maxMessageBytes(start.options.maxFrameBytes),
      log: shard.log,
    });
  } catch (error) {
    tell({ type: "failed", message: messageOf(error) });
    return;
  }
  const maintenance = setInterval(() => shard.maintain(), MAINTENANCE_MS);
  const pulse = setInterval(() => shard.clock.pulse(), PULSE_MS);
  scope.onmessage = ({ data }) => {
    if (data.type === "stop") {
      clearInterval(maintenance);
      clearInterval(pulse);
      shard.stop();
      server.shutDown().then(() => tell({ type: "stopped" }));
    } else if (data.type !== "start") {
      shard.receive(data);
    }
  };
  tell({ type: "listening" });
}

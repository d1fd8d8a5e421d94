/**
 * A thread that sends to viewers of its own, as a stream sees it: one viewer that stands for them.
 *
 * @module
 */
import { withHeadroom } from "../bytes/headroom.ts";
import type { Budget } from "../core/budget.ts";
import type { JoinFrom } from "../core/feed.ts";
import type { Frame } from "../core/frame.ts";
import { ShardFeed } from "../core/shard_feed.ts";
import type { StreamStatus } from "../wire/control_message.ts";
import type { LiveStream } from "../relay/live_stream.ts";
import type { ToShard } from "./shard_message.ts";
import type { Viewer } from "../relay/viewer.ts";

/** Tells the thread; `transfer` is handed over. */
export type TellShard = (message: ToShard, transfer?: Transferable[]) => void;

/** Passes a stream on to one thread. */
export class ShardViewer implements Viewer<ShardFeed> {
  readonly feed: ShardFeed;
  readonly joinFrom: JoinFrom = "key";
  readonly live: LiveStream;
  readonly #tell: TellShard;

  /** `subscription`: number of the thread's subscription, which is answered. */
  constructor(live: LiveStream, subscription: number, budget: Budget, tell: TellShard) {
    this.live = live;
    this.#tell = tell;
    const { name } = live;
    this.feed = new ShardFeed({
      budget,
      delays: live.delays,
      open: (kept, isWhole) => {
        const history = kept.map(({ frame, leftMs }) => ({ frame: copyOf(frame), leftMs }));
        const transfer = history.map(({ frame }) => frame.data.buffer);
        tell({
          type: "opened",
          name,
          subscription,
          run: live.run,
          state: { fps: live.fps, isPublishing: live.isPublishing },
          history,
          isWhole,
        }, transfer);
      },
      send: (frame) => {
        const copy = copyOf(frame);
        tell({ type: "frame", name, frame: copy }, [copy.data.buffer]);
      },
      miss: (frames) => tell({ type: "missed", name, frames }),
    });
  }

  welcome(): void {}

  changed(): void {
    const { name, fps, isPublishing } = this.live;
    this.#tell({ type: "state", name, state: { fps, isPublishing } });
  }

  ended(): void {
    this.#tell({ type: "ended", name: this.live.name });
  }

  report(status: StreamStatus): void {
    this.#tell({ type: "report", name: this.live.name, status });
  }

  close(code: number, reason: string): void {
    this.#tell({ type: "dismiss", name: this.live.name, code, reason });
  }
}

/** A frame whose bytes can be handed over. */
function copyOf(frame: Frame): Frame {
  return { ...frame, data: withHeadroom([frame.data]) };
}

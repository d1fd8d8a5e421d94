/**
 * The main job: a publisher's input through a relay to a viewer's output, three processes.
 *
 * @module
 */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  EVERY_FRAME,
  type Outcome,
  type RunningRelay,
  start,
  type StartOptions,
} from "../program.ts";

/** What goes in, and where it comes out. */
export interface Job {
  /** The publisher's options. */
  readonly publish?: readonly string[];
  /** The publisher's standard input. */
  readonly input?: Uint8Array;
  /** The viewer's options. */
  readonly watch?: readonly string[];
  /** The viewer's folder. */
  readonly cwd?: string;
  /** The stream's name. */
  readonly name?: string;
  /** How both are started. */
  readonly options?: StartOptions;
}

/**
 * Watches, then publishes, and returns how the viewer ended; both end with 0. The viewer may be far
 * behind, so that a busy machine does not make it skip.
 */
export async function relayed(relay: RunningRelay, job: Job): Promise<Outcome> {
  const { name = "live", options = {} } = job;
  const url = relay.url(name);
  await using watch = start(["watch", url, ...EVERY_FRAME, ...job.watch ?? []], {
    ...options,
    ...(job.cwd === undefined ? {} : { cwd: job.cwd }),
  });
  await relay.watchedBy(watch, name);
  await using publish = start(["publish", url, ...job.publish ?? []], {
    ...options,
    stdin: job.input ?? "none",
  });
  for (const process of [publish, watch]) {
    const { code, stderr } = await process.outcome;
    assertEquals(code, 0, stderr);
  }
  return await watch.outcome;
}

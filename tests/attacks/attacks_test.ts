/** Strangers do their worst, and the stream beside them notices nothing. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ListenerKind } from "../../src/listen/listener.ts";
import { testedListener, testedWorkers } from "../program.ts";
import { TESTS_ALL } from "../thorough.ts";
import { needs } from "../ffmpeg.ts";
import { ATTACKS } from "./attacks.ts";
import type { Size } from "./attack.ts";
import { type Outcome, siege } from "./siege.ts";

const NOT_LINUX = Deno.build.os === "linux" ? undefined : "memory and files are read from /proc";
const SIZE: Size = { scale: "small", holdMs: TESTS_ALL ? 2000 : 1000 };
/** What the relay may take beside what it has at rest, in MB, where the attack does not say. */
const PEAK_MB = 150;
/** What each further thread may take, which has a heap of its own, in MB. */
const THREAD_MB = 100;
/** How long files and memory may take to be given back, in milliseconds. */
const PATIENCE_MS = 40_000;
/** How long a stopped relay may take on a machine that has much else to do, in milliseconds. */
const STOP_MS = 15_000;

/** How often an attack is made at most until the machine does not stand still. */
const TRIES = 3;
/** So late, the witness's own timer tells of a machine that stood still, in milliseconds. */
const STANDSTILL_MS = 60;

function stoodStill({ witness }: Outcome): boolean {
  return witness.lateMs >= STANDSTILL_MS;
}

/** Whether the relay's threads leave no core to the strangers and the witness: then one try tells little. */
function takesAllCores(workers: number): boolean {
  return workers >= navigator.hardwareConcurrency;
}

function told({ witness, before, peak, after, stopMs, log }: Outcome): string {
  return JSON.stringify({ witness, before, peak, after, stopMs, log });
}

/** Listeners and threads that are tested: one of each in a quick run. */
function cases(): { readonly listener: ListenerKind; readonly workers: number }[] {
  if (!TESTS_ALL) return [{ listener: testedListener() ?? "node", workers: testedWorkers() }];
  return (["node", "deno"] as const).flatMap((listener) =>
    [1, 2].map((workers) => ({ listener, workers }))
  );
}

for (const { listener, workers } of cases()) {
  for (const attack of ATTACKS) {
    const expected = attack.ends[listener];
    // What deno cannot hold stands in docs/security.md, and is no promise.
    if (expected === undefined) continue;
    const name = `serve holds against ${attack.name} (${listener}, ${workers} threads)`;
    Deno.test({
      ...needs(NOT_LINUX, name),
      async fn() {
        const options = { listener, workers, size: SIZE, patienceMs: PATIENCE_MS };
        let found = await siege(attack, options);
        // Where the machine stood still for others, what was lost says nothing of the relay.
        const mayTryAgain = () => stoodStill(found) || takesAllCores(workers);
        for (let n = 1; n < TRIES && found.witness.lost > 0 && mayTryAgain(); n++) {
          found = await siege(attack, options);
        }
        assertMatch(found.end, expected);
        assertEquals([found.witness.lost, found.witness.ended], [0, null], told(found));
        assert(found.witness.received > 0, "the witness got nothing");
        const taken = found.peak.residentMB - found.before.residentMB;
        const mayTake = (attack.peakMB?.("small") ?? PEAK_MB) + THREAD_MB * (workers - 1);
        assert(taken <= mayTake, `the relay took ${taken.toFixed(0)} MB, of ${mayTake}`);
        const { before, after } = found;
        assert(found.backMs !== undefined, `${JSON.stringify({ before, after })}`);
        assertEquals(found.code, 0);
        assert(found.stopMs < STOP_MS, `it took ${found.stopMs.toFixed(0)} ms to stop`);
        // deno-lint-ignore no-control-regex
        assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(found.log), "controls in the log");
        assert(!/lost a thread|defect|bug/i.test(found.log), found.log);
      },
    });
  }
}

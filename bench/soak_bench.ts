/**
 * A relay among strangers for a while: 60 viewers of whom half are stalled, a reader of every kind that
 * stops, and attacks at random: `deno task bench soak [--minutes N] [--listener node|deno] [--workers N]
 * [--stops N] [--seed N]`. Then relays that are asked to stop in the midst of an attack. Needs Linux.
 *
 * @module
 */
// @ts-types="../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import type { ListenerKind } from "../src/listen/listener.ts";
import { Arena, type Attack } from "../tests/attacks/attack.ts";
import { ATTACKS } from "../tests/attacks/attacks.ts";
import { paddedJpeg, Pump, READERS } from "../tests/attacks/holders.ts";
import { answers, besieged, type Holdings, holdingsOf } from "../tests/attacks/siege.ts";
import { Witness } from "../tests/attacks/witness.ts";
import { seeded } from "../tests/e2e/random.ts";
import { eventually } from "../tests/waiting.ts";
import { printResults } from "./table.ts";

const VIEWERS = 60;
const FRAME_BYTES = 20_000;
const FPS = 30;
/** Different attacks. */
const ATTACK_COUNT = 10;
/** How long one of them goes on at most, in milliseconds. */
const ATTACK_MS = 10_000;
/** How long a relay under attack runs before it is asked to stop, at most, in milliseconds. */
const STOP_WITHIN_MS = 3000;

interface SoakOptions {
  readonly listener: ListenerKind;
  readonly workers: number;
  readonly minutes: number;
  readonly stops: number;
  readonly seed: number;
}

type Random = () => number;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(), ms);
  });
}

/** Makes an attack until it ends, or for as long as told. */
async function attackFor(attack: Attack, host: string, options: SoakOptions, ms: number) {
  const ending = new AbortController();
  const size = { scale: "small", holdMs: ms } as const;
  using arena = new Arena(host, options.listener, size, ending.signal);
  // Those that are broken off fail in their own ways, and no stranger is asked how it was.
  const attacking = attack.run(arena).catch(() => "");
  await Promise.race([attacking, pause(ms)]);
  ending.abort();
}

/** The attacks that a relay with its defaults can be under, in an order by chance. */
function chosen(random: Random): Attack[] {
  const all = ATTACKS.filter(({ files }) => files === undefined);
  return all.map((attack) => ({ attack, at: random() })).sort((a, b) => a.at - b.at)
    .slice(0, ATTACK_COUNT).map(({ attack }) => attack);
}

function highest(samples: readonly Holdings[], from: number, what: keyof Holdings): string {
  const part = samples.slice(from * samples.length, (from + 0.25) * samples.length);
  return Math.max(...part.map((sample) => sample[what])).toFixed(0);
}

/** Runs a relay among strangers, and prints what it holds. */
async function soak(options: SoakOptions, random: Random): Promise<void> {
  const { listener, minutes } = options;
  const untilMs = performance.now() + minutes * 60_000;
  const size = { scale: "small", holdMs: ATTACK_MS } as const;
  const relay = await besieged({}, { ...options, size, hangsMs: minutes * 60_000 + 600_000 });
  await using process = relay.process;
  using witness = await Witness.begin(relay.host);
  using residents = new Arena(relay.host, listener, size, new AbortController().signal);
  residents.keep(new Pump(`ws://${relay.host}/big`, paddedJpeg(FRAME_BYTES), FPS));
  await residents.each(VIEWERS, async (index) => {
    const stranger = await residents.stranger();
    await stranger.upgrade("/big?role=watch");
    // The other half reads nothing from here on; such a viewer is closed, and another takes its place.
    if (index % 2 === 0) stranger.rest();
    else stalledAgain(residents, relay.host, untilMs);
  });
  const kinds = Object.values(READERS);
  for (const open of kinds) {
    const stopping = await residents.stranger();
    await open(stopping);
    await stopping.read();
  }
  const samples: Holdings[] = [];
  const timer = setInterval(() => samples.push(holdingsOf(process.pid)), 1000);
  witness.mark();
  const attacks = chosen(random);
  let made = 0;
  while (performance.now() < untilMs) {
    const attack = attacks[Math.floor(random() * attacks.length)]!;
    const leftMs = untilMs - performance.now();
    await attackFor(attack, relay.host, options, Math.min(leftMs, ATTACK_MS * (0.2 + random())));
    made++;
    await eventually("an answer", () => answers(relay.host));
  }
  clearInterval(timer);
  const { sent, lost, gapMs, lateMs, ended } = await witness.end();
  const beganMs = performance.now();
  process.kill("SIGTERM");
  const { code } = await process.outcome;
  const stopMs = performance.now() - beganMs;
  const title =
    `${VIEWERS} viewers, half of them stalled, ${made} attacks, ${minutes} min, ${listener}`;
  printResults(title, [
    {
      what: "frames lost by the stream beside, of those sent",
      target: "0",
      measured: `${lost} of ${sent}${ended === null ? "" : `, ended: ${ended}`}`,
    },
    {
      what: "its longest gap (of it this process's own lateness)",
      target: "250 ms",
      measured: `${gapMs.toFixed(0)} ms (${lateMs.toFixed(0)})`,
    },
    {
      what: "memory in MB: highest in the first, second and last quarter",
      target: "flat",
      measured: [0, 0.25, 0.75].map((from) => highest(samples, from, "residentMB")).join(", "),
    },
    {
      what: "files: highest in the first, second and last quarter",
      target: "flat",
      measured: [0, 0.25, 0.75].map((from) => highest(samples, from, "files")).join(", "),
    },
    {
      what: "time to stop, and exit code",
      target: "5 s, 0",
      measured: `${stopMs.toFixed(0)} ms, ${code}`,
    },
  ]);
}

/** A viewer that never reads, and comes again once it has been let go. */
async function stalledAgain(residents: Arena, host: string, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    try {
      const stranger = await residents.stranger();
      await stranger.upgrade("/big?role=watch");
      // Long enough to be closed by the relay, and to leave it to break the connection off.
      await pause(15_000);
      stranger.close();
    } catch {
      // No room at the moment.
      await pause(1000);
    }
    if (!await answers(host)) await pause(1000);
  }
}

/** Stops relays in the midst of attacks. @returns how long each took, in milliseconds */
async function stopUnderAttack(options: SoakOptions, random: Random): Promise<number[]> {
  const times: number[] = [];
  for (let left = options.stops; left > 0; left--) {
    const attack = ATTACKS[Math.floor(random() * ATTACKS.length)]!;
    const size = { scale: "small", holdMs: ATTACK_MS } as const;
    const relay = await besieged(attack, { ...options, size });
    await using process = relay.process;
    const attacking = attackFor(attack, relay.host, options, ATTACK_MS);
    await pause(random() * STOP_WITHIN_MS);
    const beganMs = performance.now();
    process.kill("SIGTERM");
    const { code } = await process.outcome;
    times.push(code === 0 ? performance.now() - beganMs : Infinity);
    await attacking;
  }
  return times;
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["minutes", "listener", "workers", "stops", "seed"],
  });
  const options: SoakOptions = {
    listener: flags.listener === "deno" ? "deno" : "node",
    workers: Number(flags.workers ?? 1),
    minutes: Number(flags.minutes ?? 20),
    stops: Number(flags.stops ?? 10),
    seed: Number(flags.seed ?? Date.now() % 1e6),
  };
  const random = seeded(options.seed);
  await soak(options, random);
  const times = await stopUnderAttack(options, random);
  printResults(`relays stopped in the midst of an attack (--seed ${options.seed})`, [{
    what: "how long the slowest took",
    target: "5 s",
    measured: `${Math.max(0, ...times).toFixed(0)} ms, of ${times.length}`,
  }]);
  // Strangers that were broken off may wait for a time-out of their own.
  Deno.exit(0);
}

/**
 * Viewers that come, go and stall at random while one publisher after another has the stream, each
 * with another size or codec. What decides is a seed and the frames that a witness has seen, not
 * the clock.
 *
 * @module
 */
import { type Running, type RunningRelay, start } from "../program.ts";
import { silentPeer } from "./raw_peer.ts";
import { seeded } from "./random.ts";
import { type ViewedFrame, Viewer } from "./viewer.ts";
import { makeVideo, see, videoFile, type VideoFormat } from "./videos.ts";
import { eventually } from "../waiting.ts";

/** How a publisher gives the stream up: as planned, killed, or because the next one takes it. */
export type Ending = "ends" | "killed" | "taken";

/** What one publisher publishes. */
export interface ChaosRun {
  readonly format: VideoFormat;
  readonly size: string;
  readonly isOpen?: boolean;
  readonly ending: Ending;
}

/** Options of {@linkcode runChaos}. */
export interface ChaosOptions {
  readonly seed: number;
  readonly viewers: number;
  /** The last one `ends`. */
  readonly runs: readonly ChaosRun[];
  /** Frames that each of them has. */
  readonly frames: number;
}

/** What happened. */
export interface ChaosResult {
  /** What each connection of a viewer got, in order. */
  readonly connections: readonly (readonly ViewedFrame[])[];
  readonly stalls: number;
  /** Pictures of all sources, by format. */
  readonly sources: ReadonlyMap<VideoFormat, ReadonlySet<string>>;
}

/** Frames of the witness between two decisions of a viewer. */
const STEP_FRAMES = 60;
const QUERIES = ["", "", "?join=live"];
const RATES = [null, null, 5, 60];
const DELAYS_MS = [60_000, 500, 20, 1];

/** Lets it happen on the stream `live` of `relay`. */
export async function runChaos(relay: RunningRelay, options: ChaosOptions): Promise<ChaosResult> {
  const { seed, viewers, runs, frames } = options;
  const random = seeded(seed);
  const videos = await Promise.all(
    runs.map(({ format, size, isOpen = false }) =>
      makeVideo({ format, size, frames, gop: 30, isOpen })
    ),
  );
  const peers = [
    await silentPeer(relay.host, "a hello"),
    await silentPeer(relay.host, "half a handshake"),
  ];
  const ends = runs.filter(({ ending }) => ending === "ends").length;
  await using witness = await Viewer.join(relay.url());
  const crowd = Array.from(
    { length: viewers },
    (_, index) => new Visitor(relay.url(), witness, ends, seeded(seed * 1000 + index)),
  );
  const visits = Promise.all(crowd.map((visitor) => visitor.run()));
  const publishers: Running[] = [];
  try {
    for (const [index, { ending }] of runs.entries()) {
      const before = runs[index - 1]?.ending;
      const takes = before === "taken" ? ["--takeover"] : [];
      const publisher = start(["publish", relay.url(), ...takes], { stdin: videos[index]! });
      publishers.push(publisher);
      if (ending === "ends") {
        const { code, stderr } = await publisher.outcome;
        if (code !== 0) throw new Error(`publisher ${index} ended with ${code}: ${stderr}`);
        continue;
      }
      const goal = witness.frames.length + Math.floor((0.3 + 0.5 * random()) * frames);
      await witness.until(({ frames }) => frames.length >= goal);
      if (ending === "taken") continue;
      publisher.kill("SIGKILL");
      await relay.until("live", ({ publishing }) => !publishing);
    }
    await visits;
  } finally {
    for (const publisher of publishers) await publisher[Symbol.asyncDispose]();
    for (const peer of peers) peer.close();
  }
  const sources = new Map<VideoFormat, Set<string>>();
  for (const [index, { format }] of runs.entries()) {
    const pictures = (await see(format, videos[index]!)).pictures;
    sources.set(format, new Set([...sources.get(format) ?? [], ...pictures]));
  }
  return {
    connections: [witness.frames, ...crowd.flatMap(({ connections }) => connections)],
    stalls: crowd.reduce((sum, { stalls }) => sum + stalls, 0),
    sources,
  };
}

/** One of the crowd. */
class Visitor {
  readonly connections: ViewedFrame[][] = [];
  stalls = 0;
  readonly #url: string;
  readonly #witness: Viewer;
  /** How often the stream ends before all is over. */
  readonly #ends: number;
  readonly #random: () => number;

  constructor(url: string, witness: Viewer, ends: number, random: () => number) {
    this.#url = url;
    this.#witness = witness;
    this.#ends = ends;
    this.#random = random;
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      await using viewer = await Viewer.join(`${this.#url}${this.#one(QUERIES)}`, {
        fps: this.#one(RATES),
        maxDelayMs: this.#one(DELAYS_MS),
        isStalled: this.#random() < 0.1,
      });
      this.connections.push(viewer.frames);
      do {
        await this.#pass();
        viewer.resume();
        await this.#pass();
        if (this.#random() < 0.4) {
          viewer.stall();
          this.stalls++;
        }
      } while (!this.#isOver && this.#random() < 0.7);
      if (viewer.fault !== undefined) throw viewer.fault;
    }
  }

  get #isOver(): boolean {
    return this.#witness.ends >= this.#ends;
  }

  async #pass(): Promise<void> {
    const goal = this.#witness.frames.length + 1 + Math.floor(this.#random() * STEP_FRAMES);
    await this.#witness.until(({ frames }) => frames.length >= goal || this.#isOver);
  }

  #one<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}

/** What became of what the viewers got. */
export interface Verdict {
  readonly frames: number;
  /** How often a connection missed frames between two that it got. */
  readonly skips: number;
  /** Connections that did not begin with a key frame. */
  readonly headless: number;
  /** Pictures that are in no source. */
  readonly spoiled: number;
  /** Frames that gave no picture. */
  readonly blank: number;
  /** What ffmpeg said. */
  readonly complaints: string;
}

/** Decodes all that was received: a file for each codec, one connection behind another. */
export async function judge({ connections, sources }: ChaosResult): Promise<Verdict> {
  const verdict = { frames: 0, skips: 0, headless: 0, spoiled: 0, blank: 0, complaints: "" };
  for (const frames of connections) {
    verdict.frames += frames.length;
    verdict.skips += frames.filter(({ header }, index) =>
      index > 0 && header.sequence > frames[index - 1]!.header.sequence + 1
    ).length;
    if (frames[0]?.header.key === false) {
      verdict.headless++;
    }
  }
  for (const [format, source] of sources) {
    const frames = connections.flat().filter(({ config }) => config.format === format);
    const file = videoFile(format, frames.map(({ data }) => data));
    const { pictures, complaints } = await see(format, file);
    verdict.spoiled += pictures.filter((picture) => !source.has(picture)).length;
    verdict.blank += frames.length - pictures.length;
    verdict.complaints += complaints;
  }
  return verdict;
}

/**
 * Runs of all kinds: codecs and sizes change, and every ending occurs.
 *
 * H.264 has closed GOPs: decoders do not see that pictures were skipped in front of a key frame
 * that is no IDR picture, and may take older ones for the references of those behind it.
 */
export function chaosRuns(count: number): ChaosRun[] {
  const kinds = [
    { format: "h264", size: "64x48", ending: "killed" },
    { format: "h264", size: "96x64", ending: "ends" },
    { format: "hevc", size: "64x64", ending: "taken" },
    { format: "vp8", size: "64x48", ending: "killed" },
    { format: "h264", size: "80x48", ending: "taken" },
    { format: "vp8", size: "96x64", ending: "ends" },
    { format: "hevc", size: "96x80", isOpen: true, ending: "killed" },
  ] as const;
  const runs: ChaosRun[] = Array.from(
    { length: count },
    (_, index) => kinds[index % kinds.length]!,
  );
  return [...runs.slice(0, -1), { ...runs.at(-1)!, ending: "ends" }];
}

/** Open files of a process (Linux). */
export function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Waits until a relay has no stream and no more than `files` open files; returns its numbers. */
export async function untilIdle(relay: RunningRelay, files: number): Promise<string> {
  return await eventually(`no stream and ${files} open files`, async () => {
    const streams = await (await fetch(`${relay.http}/api/streams`)).json();
    const metrics = await (await fetch(`${relay.http}/metrics`)).text();
    return streams.length === 0 && openFiles(relay.process.pid) <= files && metrics;
  });
}

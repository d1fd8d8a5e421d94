/**
 * The frames of a media file, of which some may be damaged.
 *
 * @module
 */
import type { MediaReader } from "../media/media_reader.ts";
import { describeFault, faultError } from "../media/messages.ts";
import type { DamagePolicy, FrameSource, SourceFrame } from "./frame_source.ts";

/** What is done about parts of a film of which no frame can be made. */
export interface FilmDamagePolicy extends Pick<DamagePolicy, "isStrict" | "isRepeated"> {
  /** Told what was left out, as a sentence, and how often since it was told last. */
  readonly onFilmDamage: (sentence: string, runs: number) => void;
}

/** Gives the frames of a media file, and says what is left out of it or ends there. */
export class FilmSource implements FrameSource {
  readonly #reader: MediaReader;
  readonly #name: string;
  readonly #policy: FilmDamagePolicy;
  #told = 0;

  /** `name` is what the file is called in messages. */
  constructor(reader: MediaReader, name: string, policy: FilmDamagePolicy) {
    this.#reader = reader;
    this.#name = name;
    this.#policy = policy;
  }

  get damaged(): number {
    return this.#reader.damaged;
  }

  async next(): Promise<SourceFrame | undefined> {
    const frame = await this.#reader.next();
    const { damaged, fault } = this.#reader;
    if (fault === undefined || damaged === this.#told) return frame;
    const { isStrict, isRepeated = false } = this.#policy;
    const isCutOff = fault.isCutOff === true && !isRepeated;
    if (isCutOff && !isStrict && frame !== undefined) return frame;
    if (isStrict || isCutOff) {
      this.stop();
      throw faultError(this.#name, fault);
    }
    this.#policy.onFilmDamage(describeFault(this.#name, fault), damaged - this.#told);
    this.#told = damaged;
    return frame;
  }

  stop(): void {
    this.#reader.stop();
  }
}

/**
 * The parameter sets that a stream has shown, so that a key frame can be given those it lacks.
 *
 * @module
 */

/** Largest parameter set that is kept, in bytes. */
export const MAX_PARAMETER_SET_BYTES = 4096;

const START_CODE = Uint8Array.of(0, 0, 0, 1);

/** What is read from a parameter set. */
export interface ParameterSetContent {
  /** Its own id; the range of ids bounds how many are kept. */
  readonly id: number;
  /** Id of the set that it refers to, of the kind above: a PPS has an SPS. */
  readonly parent?: number;
}

/** A parameter set as it was seen last. */
export interface ParameterSet<Content extends ParameterSetContent = ParameterSetContent> {
  /** The NAL unit behind a start code of four bytes. */
  readonly bytes: Uint8Array;
  readonly content: Content;
}

/** Options of a {@linkcode ParameterSetTable}. */
export interface ParameterSetTableOptions {
  /** The kind of sets that refer to those of this one. @default none */
  readonly dependents?: ParameterSetTable<ParameterSetContent>;
}

/** Parameter sets of one kind by their id. */
export class ParameterSetTable<Content extends ParameterSetContent> {
  readonly #sets = new Map<number, ParameterSet<Content>>();
  readonly #dependents: ParameterSetTable<ParameterSetContent> | undefined;

  constructor({ dependents }: ParameterSetTableOptions = {}) {
    this.#dependents = dependents;
  }

  /** The set of this id, `undefined` where none has been seen or it has been forgotten. */
  get(id: number): ParameterSet<Content> | undefined {
    return this.#sets.get(id);
  }

  /**
   * Keeps a copy of the set in `nal`. One of the same id with other bytes is forgotten, together
   * with all that refers to it, as decoders do; a set that is too large is not kept.
   *
   * @returns the set as it is kept, or `undefined` where it is too large.
   */
  keep(nal: Uint8Array, content: Content): ParameterSet<Content> | undefined {
    const before = this.#sets.get(content.id);
    if (before !== undefined && isSame(before.bytes.subarray(START_CODE.length), nal)) {
      return before;
    }
    if (before !== undefined) this.#forget(content.id);
    if (nal.length > MAX_PARAMETER_SET_BYTES) return undefined;
    const bytes = new Uint8Array(START_CODE.length + nal.length);
    bytes.set(START_CODE);
    bytes.set(nal, START_CODE.length);
    const set = { bytes, content };
    this.#sets.set(content.id, set);
    return set;
  }

  #forget(id: number): void {
    this.#sets.delete(id);
    this.#dependents?.forgetThoseOf(id);
  }

  /** Forgets the sets that refer to the one called `parent`. */
  forgetThoseOf(parent: number): void {
    for (const [id, { content }] of this.#sets) {
      if (content.parent === parent) this.#forget(id);
    }
  }
}

/**
 * The parameter sets to put in front of a picture that has only those in `present`.
 *
 * @param chains what each slice refers to, from the top down: a set stands behind its parent, so
 * whatever is above a set that lacks is put in with it.
 * @returns the bytes in an order that decoders take, each once.
 */
export function lackingSets(
  chains: Iterable<readonly ParameterSet[]>,
  present: ReadonlySet<ParameterSet>,
): Uint8Array[] {
  const levels: Set<ParameterSet>[] = [];
  for (const chain of chains) {
    const last = chain.findLastIndex((set) => !present.has(set));
    for (let level = 0; level <= last; level++) (levels[level] ??= new Set()).add(chain[level]!);
  }
  return levels.flatMap((sets) => [...sets].map(({ bytes }) => bytes));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

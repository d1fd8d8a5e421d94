/**
 * Asks who may do what for a whole relay: with a limit for wrong tokens, and a line of log for each
 * refusal and each change.
 *
 * @module
 */
import type { Log } from "../host/log.ts";
import {
  type Access,
  type AccessQuestion,
  type Decision,
  openAccess,
  refusalOf,
  type Ruling,
} from "./access.ts";
import { Audit, type Change } from "./audit.ts";
import { Failures } from "./failures.ts";

/** Longest token that is looked at, in characters. */
export const MAX_TOKEN_LENGTH = 8192;

/**
 * Why it is asked: somebody is there for the first time; somebody who was let in is asked about again;
 * what somebody sees depends on it, and nobody is refused; or somebody asks what he may do, which is a
 * refusal only where his token is wrong.
 */
export type Occasion = "first" | "again" | "view" | "offer";

/** What requests and peers ask. */
export interface Guard {
  /** Whether nobody may do anything without a token. */
  readonly needsToken: boolean;
  /** Whether everybody may do everything. */
  readonly isOpen: boolean;
  /** How often what was answered has changed: an answer from before that may not hold. */
  readonly changes: number;
  /** Asks; a refusal says why. */
  ask(question: AccessQuestion, occasion: Occasion): Ruling | Promise<Ruling>;
  /** Has `listener` called when who is there has to be asked about again, until what it returns is. */
  onChange(listener: () => void): () => void;
}

/** What a {@linkcode RelayGuard} works with. */
export interface GuardContext {
  readonly log: Log;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: () => number;
  /** Proxies that wrong tokens of others come from. */
  readonly trustedProxies: readonly string[];
}

/** Asks one {@linkcode Access}. */
export class RelayGuard implements Guard {
  readonly needsToken: boolean;
  readonly isOpen: boolean;
  readonly #access: Access;
  readonly #failures: Failures;
  readonly #audit: Audit;
  readonly #forget: () => void;
  #changes = 0;

  /** Without an access everybody may do everything. */
  constructor(access: Access | undefined, { log, wallMs, trustedProxies }: GuardContext) {
    this.#access = access ?? openAccess;
    this.isOpen = access === undefined;
    this.needsToken = this.#access.needsToken === true;
    this.#failures = new Failures(trustedProxies, () => wallMs() / 1000);
    this.#audit = new Audit(log);
    this.#forget = this.onChange(() => void this.#changes++);
  }

  ask(question: AccessQuestion, occasion: Occasion): Ruling | Promise<Ruling> {
    const { address, token = "" } = question;
    const retryAfterS = isNew(occasion) ? this.#failures.waitS(address) : 0;
    if (retryAfterS > 0) {
      const why = "too many wrong tokens have come from this address; try again later";
      return this.#judged({ decision: "limited", why, retryAfterS }, question, occasion);
    }
    if (token.length > MAX_TOKEN_LENGTH) {
      const why = `the token is longer than ${MAX_TOKEN_LENGTH} characters`;
      return this.#judged({ decision: "unknown", fault: "wrong", why }, question, occasion);
    }
    const answer = this.#access.authorize(question);
    return answer instanceof Promise
      ? answer.then((late) => this.#judged(late, question, occasion))
      : this.#judged(answer, question, occasion);
  }

  get changes(): number {
    return this.#changes;
  }

  onChange(listener: () => void): () => void {
    return this.#access.onChange?.(listener) ?? (() => {});
  }

  /** Writes down what somebody has changed who may. */
  note(change: Change): void {
    this.#audit.changed(change);
  }

  /** Hears of no more changes. */
  close(): void {
    this.#forget();
  }

  /** Once a second: tells what there was no room for. */
  report(): void {
    this.#audit.report();
  }

  #judged(answer: Decision | Ruling, question: AccessQuestion, occasion: Occasion): Ruling {
    const ruling = typeof answer === "string" ? { decision: answer } : answer;
    if (ruling.decision === "allowed") return ruling;
    const { decision } = ruling;
    const told = {
      ...ruling,
      why: ruling.why ?? refusalOf(decision === "limited" ? "unknown" : decision, question.action),
    };
    const isGuess = decision === "unknown" && question.token !== undefined;
    const isAsked = occasion === "offer" && decision !== "limited" && !isGuess;
    if (occasion === "view" || isAsked) return told;
    this.#audit.refused(question, told, occasion === "again");
    // A right token that is not for this is no guess.
    if (isNew(occasion) && isGuess) this.#failures.add(question.address);
    return told;
  }
}

/** Whether the token may be a guess. */
function isNew(occasion: Occasion): boolean {
  return occasion === "first" || occasion === "offer";
}

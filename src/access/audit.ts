/**
 * Who was refused what, and who has changed what, in lines that a person can read.
 *
 * @module
 */
import type { Log, LogFields } from "../host/log.ts";
import { printable } from "../host/printable.ts";
import type { AccessQuestion, Ruling, TokenIds } from "./access.ts";

/** Most lines a second of each kind: whoever is refused again and again does not hide a change. */
const MAX_LINES = 10;

/** Something that somebody has changed who may. */
export interface Change extends Pick<AccessQuestion, "action" | "address"> {
  /** Whose token it was. */
  readonly ids: TokenIds;
  readonly stream: string;
  /** What has changed, as a clause for people. */
  readonly what: string;
  /** The same for programs. */
  readonly fields: LogFields;
}

/** Writes a line for each refusal and each change, and a count where there are too many within a second. */
export class Audit {
  readonly #log: Log;
  readonly #refusals = { lines: 0, untold: 0 };
  readonly #changes = { lines: 0, untold: 0 };

  constructor(log: Log) {
    this.#log = log;
  }

  /** Somebody was refused, or is told to go (`wasIn`). */
  refused(question: AccessQuestion, ruling: Ruling, wasIn: boolean): void {
    if (!hasRoom(this.#refusals)) return;
    const { why } = ruling;
    const { action, stream, address } = question;
    this.#log.warn(`${wasIn ? "ended" : "refused"} ${clause(question, ruling)}: ${why}`, {
      reason: "access",
      action,
      stream: stream ?? null,
      address,
      ...idFields(ruling),
    });
  }

  /** Somebody who may has changed something. */
  changed({ what, fields, ids, action, stream, address }: Change): void {
    if (!hasRoom(this.#changes)) return;
    this.#log.info(`permitted ${clause({ action, stream, address }, ids)}: ${what}`, {
      reason: "change",
      action,
      stream,
      address,
      ...idFields(ids),
      ...fields,
    });
  }

  /** Once a second: tells how many there were of whom no line tells. */
  report(): void {
    const refused = this.#refusals.untold;
    const changes = this.#changes.untold;
    if (refused > 0) {
      this.#log.warn(`refused ${refused} more within a second`, {
        reason: "access",
        count: refused,
      });
    }
    if (changes > 0) {
      this.#log.info(`permitted ${changes} more changes within a second`, {
        reason: "change",
        count: changes,
      });
    }
    for (const kind of [this.#refusals, this.#changes]) kind.lines = kind.untold = 0;
  }
}

/** Whether there is room for one more line; else it is counted. */
function hasRoom(kind: { lines: number; untold: number }): boolean {
  if (kind.lines >= MAX_LINES) {
    kind.untold++;
    return false;
  }
  kind.lines++;
  return true;
}

/** What was to be done, of whom, and by which token. */
function clause(
  { action, stream, address }: Pick<AccessQuestion, "action" | "stream" | "address">,
  ids: TokenIds,
): string {
  const where = stream === undefined ? "" : ` "${stream}"`;
  const token = Object.entries(idFields(ids)).map(([name, id]) => `${name} ${id}`).join(", ");
  return `${action}${where} of ${address || "somebody"}${token === "" ? "" : ` (${token})`}`;
}

function idFields({ keyId, tokenId, subject }: TokenIds): Readonly<Record<string, string>> {
  return {
    ...(keyId === undefined ? {} : { kid: printable(keyId) }),
    ...(tokenId === undefined ? {} : { jti: printable(tokenId) }),
    ...(subject === undefined ? {} : { sub: printable(subject) }),
  };
}

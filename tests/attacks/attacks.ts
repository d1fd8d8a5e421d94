/**
 * All attacks.
 *
 * @module
 */
import type { Attack } from "./attack.ts";
import { CLIENTS } from "./clients.ts";
import { CONTENTS } from "./contents.ts";
import { FLOODS } from "./floods.ts";
import { GUESSERS } from "./guessers.ts";
import { HOLDERS } from "./holders.ts";
import { REQUESTS } from "./requests.ts";

/** Nobody does anything: what the machine itself does to the stream that others are compared with. */
const NOBODY: Attack = {
  name: "nobody",
  what: "no stranger at all, for comparison",
  ends: { node: /^nothing$/, deno: /^nothing$/ },
  async run(arena) {
    await arena.hold();
    return "nothing";
  },
};

/** All attacks, in the order of the table in docs/security.md. */
export const ATTACKS: readonly Attack[] = [
  NOBODY,
  ...HOLDERS,
  ...FLOODS,
  ...REQUESTS,
  ...CONTENTS,
  ...GUESSERS,
  ...CLIENTS,
];

/**
 * All attacks.
 *
 * @module
 */
import type { Attack } from "./attack.ts";
import { FLOODS } from "./floods.ts";
import { HOLDERS } from "./holders.ts";
import { REQUESTS } from "./requests.ts";

/** All attacks, in the order of the table in docs/security.md. */
export const ATTACKS: readonly Attack[] = [...HOLDERS, ...FLOODS, ...REQUESTS];

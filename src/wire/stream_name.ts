/**
 * Names of streams.
 *
 * @module
 */

/** Name of the stream at a server's root. */
export const DEFAULT_NAME = "live";
/** Names that the server uses for itself. */
export const RESERVED_NAMES: readonly string[] = ["api", "assets", "health", "metrics", "ready"];

/** Why `name` cannot be a stream's name, or `undefined` where it can. */
export function nameFault(name: string): string | undefined {
  if (RESERVED_NAMES.includes(name)) {
    return `the name "${name}" is reserved (${RESERVED_NAMES.join(", ")})`;
  }
  if (/^(?!\.+$)[A-Za-z0-9._-]{1,64}$/.test(name)) return undefined;
  const shown = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
  return `the name ${shown} is not 1 to 64 letters, digits, ".", "_" or "-"`;
}

/**
 * What this machine is called.
 *
 * @module
 */

/**
 * The machine's own name, with and without `.local` (RFC 6762 section 3), in small letters; nothing
 * where the right to know it (`sys`) is missing.
 */
export function machineNames(): readonly string[] {
  if (Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state !== "granted") return [];
  const name = Deno.hostname().toLowerCase().replace(/\.local$/, "");
  return name === "" ? [] : [name, `${name}.local`];
}

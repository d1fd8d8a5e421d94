/**
 * By which addresses this machine can be reached.
 *
 * @module
 */

/**
 * The addresses of all interfaces, as the system lists them; none where the right to know them (`sys`) is
 * missing.
 */
export function machineAddresses(): readonly string[] {
  const right = { name: "sys", kind: "networkInterfaces" } as const;
  if (Deno.permissions.querySync(right).state !== "granted") return [];
  return Deno.networkInterfaces().map(({ address }) => address);
}

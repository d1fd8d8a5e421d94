/**
 * For which names and addresses a relay's own certificate is.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { siteOf } from "./addresses.ts";

/** Most names and addresses of a certificate: it goes to everybody who connects. */
const MAX_NAMES = 100;
/** What a certificate can say of a name (RFC 5280 section 4.2.1.6), in small letters. */
const NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
/** Everybody's own name and addresses, by which only the machine itself is reached. */
const OWN = ["localhost", "127.0.0.1", "::1"];

/** What is known of a machine, and asked for. */
export interface Reachable {
  /** The machine's own names. */
  readonly machineNames: readonly string[];
  /** The addresses of its interfaces. */
  readonly machineAddresses: readonly string[];
  /** The address, or name, on which a relay listens. */
  readonly host: string;
  /** Other names by which it is reached; `*` stands for any. */
  readonly hostNames: readonly string[];
}

/** For what a certificate is to be. */
export interface CertifiedNames {
  /** All names and addresses, each once, the machine's own name first. */
  readonly all: readonly string[];
  /** Those of them that the machine does not have by itself. */
  readonly extra: readonly string[];
}

/**
 * For what the certificate of a relay is to be. What stands for many names or addresses is left out, and
 * addresses that hold on one link only (`fe80::`), which no browser can be given.
 */
export function certifiedNames(
  { machineNames, machineAddresses, host, hostNames }: Reachable,
): CertifiedNames {
  const own = [...machineNames, ...OWN, ...machineAddresses].flatMap(certifiable);
  const asked = [host, ...hostNames].flatMap(certifiable);
  const extra = [...new Set(asked)].filter((name) => !own.includes(name));
  const [first, ...rest] = own;
  const all = [...new Set([first!, ...extra, ...rest])].slice(0, MAX_NAMES);
  return { all, extra };
}

/** How a certificate says it, where it can. */
function certifiable(text: string): string[] {
  const name = text.toLowerCase().replace(/\.$/, "");
  if (!ipaddr.isValid(name)) return NAME.test(name) ? [name] : [];
  if (name.includes("%")) return [];
  const address = ipaddr.process(name);
  const isOfMany = ["unspecified", "multicast", "broadcast"].includes(address.range());
  const isOfOneLink = address.kind() === "ipv6" && address.range() === "linkLocal";
  return isOfMany || isOfOneLink ? [] : [address.toString()];
}

/**
 * The first of `wanted` that a certificate is not for, by `has`; `undefined` where it is for all. Of the
 * IPv6 addresses in one network it needs one: systems take up new ones there every day (RFC 8981), and keep
 * one that stays.
 */
export function uncertified(
  { all, extra }: CertifiedNames,
  has: (name: string) => boolean,
): string | undefined {
  const sites = new Set(all.filter((name) => name.includes(":") && has(name)).map(siteOf));
  return all.find((name) =>
    !has(name) && !(name.includes(":") && !extra.includes(name) && sites.has(siteOf(name)))
  );
}

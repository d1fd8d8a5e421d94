/**
 * Values about networks, as they are written on a command line.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

/** Origins of web pages, separated by commas, as browsers write them; `*` for all. */
export function origins(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const origin = part.trim().replace(/\/$/, "").toLowerCase();
    if (origin === "*") return origin;
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\\\s]+$/.test(origin) || !URL.canParse(origin)) {
      throw new Error("* or origins such as https://example.org,http://10.0.0.1:3000");
    }
    // Other schemes than the web's have no origin there, but browsers send what stands here.
    return /^https?:/.test(origin) ? new URL(origin).origin : origin;
  });
}

/** Names of hosts, separated by commas; `*` for any. */
export function hostNames(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const name = part.trim().replace(/\.$/, "").toLowerCase();
    if (name !== "*" && !/^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/.test(name)) {
      throw new Error("* or names such as relay.example.org,cams.lan, without a port");
    }
    return name;
  });
}

/** Networks, separated by commas: addresses, alone or with the length of their prefix (RFC 4632). */
export function networks(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const network = part.trim();
    if (!ipaddr.isValid(network) && !ipaddr.isValidCIDR(network)) {
      throw new Error("networks such as 10.0.0.0/8,fd00::/8 or addresses");
    }
    return network;
  });
}

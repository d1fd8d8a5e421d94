/**
 * Network addresses: who is to be taken for one, and who is asked for by whom.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

/** Length of the prefix of IPv6 that one customer has at least (RFC 6177), in bits. */
const SITE_BITS = 64;
/** Most addresses that are read of an `X-Forwarded-For`, from its end. */
const MAX_HOPS = 10;
/** Longest `X-Forwarded-For` that is read, in characters. */
const MAX_FORWARDED = 1000;

type Address = ReturnType<typeof ipaddr.process>;
type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** Reads an address, of which IPv4 within IPv6 is IPv4 (RFC 4291 section 2.5.5.2). */
function read(text: string): Address | undefined {
  // A zone (RFC 4007 section 11) says on which link of this machine the address is.
  const bare = text.trim().replace(/%.*$/, "").replace(/^\[(.*)\](?::\d+)?$/, "$1")
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

/** Whether an address is this machine's own way to itself. */
export function isLoopbackAddress(text: string): boolean {
  return read(text)?.range() === "loopback";
}

/** What an address is counted as: of IPv6 the network that one customer has. */
export function siteOf(text: string): string {
  const address = read(text);
  if (address === undefined) return text;
  if (address.kind() === "ipv4") return address.toString();
  const bytes = address.toByteArray().fill(0, SITE_BITS / 8);
  return `${ipaddr.fromByteArray(bytes)}/${SITE_BITS}`;
}

/** Networks of which one is to be told. */
export class Networks {
  readonly #networks: readonly Network[];

  /** Networks as `10.0.0.0/8` or single addresses. */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map((text) =>
      ipaddr.isValidCIDR(text)
        ? ipaddr.parseCIDR(text)
        : [ipaddr.parse(text), ipaddr.parse(text).kind() === "ipv4" ? 32 : 128]
    );
  }

  /** Whether an address is in one of them. */
  has(text: string): boolean {
    const address = read(text);
    return address !== undefined &&
      this.#networks.some(([base, bits]) =>
        base.kind() === address.kind() && address.match(base, bits)
      );
  }

  /**
   * Who asks: `address`, or where that is a proxy in one of these networks, the last one in its
   * `X-Forwarded-For` that is not. What cannot be read there counts as the proxy that passed it on.
   */
  clientOf(address: string, forwardedFor: string | null): string {
    let client = address;
    const hops = (forwardedFor ?? "").slice(-MAX_FORWARDED).split(",").slice(-MAX_HOPS);
    while (this.has(client)) {
      const before = read(hops.pop() ?? "");
      if (before === undefined) return client;
      client = before.toString();
    }
    return client;
  }
}

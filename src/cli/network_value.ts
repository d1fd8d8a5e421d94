/**
 * Values about networks, as they are written on a command line.
 *
 * @module
 */
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
    if (!isNetwork(network)) throw new Error("networks such as 10.0.0.0/8,fd00::/8 or addresses");
    return network;
  });
}

/** Whether `text` is one; what reads them in the relay is slow to load, and only to see that they are some. */
function isNetwork(text: string): boolean {
  const [, address, prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (address === undefined) return false;
  const bits = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  return bits >= 0 && Number(prefix ?? 0) <= bits;
}

/** Four numbers, of which none can be taken for an octal one (RFC 6943 section 3.1.1). */
function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && +part < 256);
}

/** As an address has it in brackets (RFC 3986 section 3.2.2). */
function isIpv6(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
}

/**
 * Questions by HTTP, wherever a client runs.
 *
 * @module
 */
import { printable } from "../host/printable.ts";
import type { Pass } from "./pass.ts";

/** What is asked. */
export interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  readonly redirect: "manual";
}

/** Asks, and gives the answer as it comes. */
export type Fetch = (url: string, init: FetchInit, pass: Pass) => Promise<Response>;

/** What is there of a process in Deno and Node.js, and not in a browser. */
interface Surroundings {
  readonly process?: { readonly versions?: { readonly node?: string } };
}

/** What asks `url`: that of Node's modules by HTTPS, where they are, and else the platform's own. */
export async function findFetch(url: string): Promise<Fetch> {
  const { process } = globalThis as Surroundings;
  if (!url.startsWith("https:") || typeof process?.versions?.node !== "string") {
    return (url, init) => fetch(url, init);
  }
  const { nodeFetch } = await import("./node_fetch.ts");
  return nodeFetch;
}

/** What is wrong with the TLS of who was asked, as a clause; nothing where that is not it. */
export function answerFault(cause: unknown): string | undefined {
  const { name, message, code } = (cause ?? {}) as {
    readonly name?: string;
    readonly message?: string;
    readonly code?: string;
  };
  if (name === "CertificateError") return printable(message ?? "");
  const inner = (cause as { cause?: { message?: string } } | undefined)?.cause?.message ?? "";
  // A server of TLS answers plain HTTP with an alert.
  if (/invalid HTTP version|HPE_INVALID/.test(`${message} ${inner} ${code}`)) {
    return "the server does not speak HTTP; where it speaks TLS, the address begins with " +
      "wss:// or https://";
  }
  return undefined;
}

/**
 * What the relay answers to a page that changes something.
 *
 * @module
 */
import { readText } from "../net/answer.ts";

const TIMEOUT_MS = 5000;
/** Longest part of an error that is shown, in characters. */
const MAX_SENTENCE = 300;

/** Asks the relay. */
export type Ask = (url: URL, init: RequestInit) => Promise<Response>;

/** What came of asking: the answer's JSON, `undefined` where it is none, or a sentence why not. */
export type RelayAnswer =
  | { readonly value: unknown; readonly error?: undefined }
  | { readonly error: string };

/** Asks the relay, and waits for its answer for a while. */
export async function askRelay(ask: Ask, url: URL, init: RequestInit = {}): Promise<RelayAnswer> {
  try {
    const response = await ask(url, {
      cache: "no-store",
      ...init,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await readText(response) ?? "";
    return response.ok ? { value: parse(text) } : { error: sentence(response, text) };
  } catch {
    // It cannot be reached, or takes too long.
    return { error: "The relay does not answer." };
  }
}

function sentence({ status }: Response, text: string): string {
  const answer = parse(text) as { error?: unknown } | null | undefined;
  const said = typeof answer?.error === "string" ? answer.error : text;
  return said.trim().slice(0, MAX_SENTENCE) || `The relay refused (${status}).`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

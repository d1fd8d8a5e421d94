/**
 * What the program carries with it for those who write clients: the page and the test vectors of the
 * protocol.
 *
 * @module
 */
import { StreamError } from "../errors.ts";

/** The options of `stream help protocol`. */
const VECTORS = "--vectors";

/**
 * The text of `stream help protocol`, or of `stream help protocol --vectors`.
 *
 * @throws {StreamError} (`usage`) for any other option
 */
export async function protocolHelp(options: readonly string[]): Promise<string> {
  const [option, ...more] = options;
  if (more.length > 0 || (option !== undefined && option !== VECTORS)) {
    const wrong = option === VECTORS ? more[0] : option;
    throw new StreamError(
      "usage",
      `Cannot run "stream help protocol": there is no "${wrong}"; did you mean ${VECTORS}?`,
    );
  }
  // Read when somebody asks: nothing else of the program needs them.
  const { default: text } = option === undefined
    ? await import("../../docs/protocol.md", { with: { type: "text" } })
    : await import("../wire/vectors.json", { with: { type: "text" } });
  return text;
}

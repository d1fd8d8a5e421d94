/**
 * What is read of a server's answer.
 *
 * @module
 */

/** Longest answer that is read, in bytes: that of a relay with a thousand streams is shorter. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Reads the text of an answer; `undefined` where it is longer than {@linkcode MAX_ANSWER_BYTES}, of which
 * the rest is not read.
 */
export async function readText({ body }: Pick<Response, "body">): Promise<string | undefined> {
  // Not every browser can iterate a stream.
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let length = 0;
  let text = "";
  for (;;) {
    const { value, done } = await reader?.read() ?? { done: true };
    if (done) return text + decoder.decode();
    length += value!.byteLength;
    if (length > MAX_ANSWER_BYTES) {
      await reader!.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

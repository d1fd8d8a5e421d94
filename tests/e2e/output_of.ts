/**
 * Programs of others.
 *
 * @module
 */
import { soon } from "../waiting.ts";

/** What a command writes, and how it ends. */
export async function outputOf(
  command: string,
  args: readonly string[],
  stdin = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const fed = writer.write(new TextEncoder().encode(stdin)).then(() => writer.close(), () => {});
  const [{ code, stdout, stderr }] = await soon(command, Promise.all([child.output(), fed]));
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Real ffmpeg, where there is one.
 *
 * @module
 */
import { soon } from "./waiting.ts";

/** Whether nothing may be skipped that a machine of the project's kind can run. */
export const IS_CI: boolean = Deno.env.get("CI") === "true";

/** Why tests with ffmpeg are skipped, or `undefined` where they run. */
export const NO_FFMPEG: string | undefined = await has("ffmpeg", "-version")
  ? undefined
  : "ffmpeg is not installed";

/** The name and whether to skip, of a test that needs what `missing` says is not there. */
export function needs(
  missing: string | undefined,
  name: string,
): { readonly name: string; readonly ignore: boolean } {
  if (missing === undefined || IS_CI) return { name, ignore: false };
  return { name: `${name} (skipped: ${missing})`, ignore: true };
}

/** Runs ffmpeg to its end and returns its standard output. */
export async function ffmpeg(args: readonly string[], stdin?: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command("ffmpeg", {
    args: ["-v", "error", "-nostdin", "-y", ...args],
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feed = async () => {
    if (stdin === undefined) return;
    const writer = child.stdin.getWriter();
    await writer.write(stdin);
    await writer.close();
  };
  const done = Promise.all([child.output(), feed()]);
  const [{ code, stdout, stderr }] = await soon(`ffmpeg ${args.join(" ")}`, done);
  if (code !== 0) throw new Error(`ffmpeg failed: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** Whether a command can be run. */
export async function has(command: string, ...args: string[]): Promise<boolean> {
  try {
    const { code } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .output();
    return code === 0;
  } catch {
    // Not found, or not to be run.
    return false;
  }
}

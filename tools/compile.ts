/**
 * Compiles the program into one executable: `deno task compile [TARGET] [--output FILE]`.
 *
 * Without a target it is for this system and goes to `dist/stream`, else to `dist/stream-TARGET`.
 * Deno's runtime for the executable is downloaded, or taken from the file that `DENORT_BIN` names.
 *
 * @module
 */
// @ts-types="../types/std_parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";

/** Systems that `deno compile` knows. */
const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

/** The least that works: sockets, files to read and write, the program's own variables, one of Deno's. */
const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env=STREAM_*,DENO_USE_WRITEV,WS_NO_*",
];

/** Modules that run in threads of their own, which nothing imports. */
const WORKERS: readonly string[] = [
  "src/server/convert_worker.ts",
  "src/server/shard_worker.ts",
  "src/bench/publisher_worker.ts",
  "src/bench/relay_worker.ts",
  "src/bench/viewer_worker.ts",
];

async function compile(args: readonly string[]): Promise<number> {
  const { _: [target], output } = parseArgs(args, { string: ["_", "output"] });
  if (target !== undefined && !TARGETS.includes(String(target))) {
    write(`Cannot compile for ${target}: the targets are ${TARGETS.join(", ")}\n`);
    return 2;
  }
  const file = String(output ?? (target === undefined ? "dist/stream" : `dist/stream-${target}`));
  const { code } = await new Deno.Command(Deno.execPath(), {
    cwd: new URL("..", import.meta.url),
    args: [
      "compile",
      "--quiet",
      "--frozen",
      "--no-prompt",
      // What only the tests import is 15 MB, and what begins with it is slower to start.
      "--exclude-unused-npm",
      ...PERMISSIONS,
      ...WORKERS.flatMap((worker) => ["--include", worker]),
      ...(target === undefined ? [] : ["--target", String(target)]),
      "--output",
      file,
      "main.ts",
    ],
  }).output().then((result) => {
    write(new TextDecoder().decode(result.stderr));
    return result;
  });
  if (code === 0) write(`compiled ${file}; for other systems: ${TARGETS.join(", ")}\n`);
  return code;
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await compile(Deno.args));

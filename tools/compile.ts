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
  "--allow-env=STREAM_*,DENO_USE_WRITEV,WS_NO_*,HOME,XDG_STATE_HOME,LOCALAPPDATA",
  "--allow-sys=hostname,networkInterfaces",
];

/** Modules that run in threads of their own, which nothing imports. */
const WORKERS: readonly string[] = [
  "src/http/convert_worker.ts",
  "src/listen/keeper_worker.ts",
  "src/shards/shard_worker.ts",
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
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: new URL("..", import.meta.url),
    args: [
      "compile",
      "--quiet",
      "--frozen",
      "--no-prompt",
      // What is made for one frame dies at once, in however little room. Of V8's own choice, 16 MB, it holds
      // three, which is a fifth of what a relay with 5,000 viewers takes.
      "--v8-flags=--max-semi-space-size=8",
      // The cache lies in the temporary folder, where another user may put a file in its place.
      "--no-code-cache",
      // What only the tests import is 15 MB, and what begins with it is slower to start.
      "--exclude-unused-npm",
      ...PERMISSIONS,
      ...WORKERS.flatMap((worker) => ["--include", worker]),
      ...(target === undefined ? [] : ["--target", String(target)]),
      "--output",
      file,
      "main.ts",
    ],
  }).output();
  const said = new TextDecoder().decode(stderr);
  write(code === 0 ? said : faultOf(said, target === undefined ? undefined : String(target)));
  if (code === 0) write(`compiled ${file}; for other systems: ${TARGETS.join(", ")}\n`);
  return code;
}

/** One sentence for what people can mend; anything else as the compiler says it. */
function faultOf(said: string, target: string | undefined): string {
  const missing = /Could not find denort at '([^']*)'/.exec(said)?.[1];
  if (missing !== undefined) {
    return `Cannot compile: DENORT_BIN names ${missing}, where nothing is; give the file of Deno's ` +
      "runtime for executables (denort), or leave the variable out to download it\n";
  }
  const url = /https?:\/\/[^\s)]*denort[^\s)]*/.exec(said)?.[0];
  if (url === undefined) return said;
  const system = target ?? Deno.build.target;
  return `Cannot compile: Deno's runtime for executables of ${system} cannot be downloaded from ` +
    `${url}; try again with a network, or unpack that file elsewhere and name it: ` +
    "DENORT_BIN=/path/to/denort deno task compile\n";
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await compile(Deno.args));

/**
 * The program within the process of its test, for what it says and how it ends: no process is
 * started, which is most of the time that such a test takes. In `deno task test:all` the first round
 * starts one all the same, with the permissions that the README names.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { run as runProgram } from "../../src/cli/run.ts";
import { systemClock } from "../../src/host/clock.ts";
import { type Outcome, run, testedListener, testedWorkers } from "../program.ts";
import { concat } from "../split/samples.ts";
import { TESTS_ALL } from "../thorough.ts";
import { soon } from "../waiting.ts";

const IS_FIRST_ROUND = testedWorkers() === 1 && testedListener() === undefined;
const STARTS_PROCESS = (TESTS_ALL && IS_FIRST_ROUND) ||
  (Deno.env.get("STREAM_PROGRAM") ?? "") !== "";

/** What the program gets. */
export interface RunHereOptions {
  /** The variables that are set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly stdin?: Uint8Array;
}

/** Runs the program to its end; paths are absolute, as the working folder is that of the test. */
export async function runHere(
  args: readonly string[],
  { env = {}, stdin }: RunHereOptions = {},
): Promise<Outcome> {
  if (STARTS_PROCESS) {
    return await run(args, { env: { ...env }, ...(stdin === undefined ? {} : { stdin }) });
  }
  const written: Uint8Array[] = [];
  let stderr = "";
  const running = runProgram(args, {
    clock: systemClock,
    stop: new AbortController().signal,
    env: (name) => env[name],
    stdin: () => ReadableStream.from(stdin === undefined ? [] : [new Uint8Array(stdin)]),
    writeStdout: (bytes) => Promise.resolve(void written.push(bytes.slice())),
    writeStderr: (text) => stderr += text,
    // The tests go on in this process.
    giveUp: () => {},
    terminals: { stdin: false, stdout: false, stderr: false },
  }, config.version);
  const code = await soon(`the end of stream ${args.join(" ")}`, running);
  return { code, stdout: concat(...written), stderr };
}

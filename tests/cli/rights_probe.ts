/**
 * Runs the program as its executable does, and then tries what it has given up: `rights_probe.ts ARGS`
 * prints what may still be done as JSON, once the program listens or asks for nothing more.
 */
import config from "../../deno.json" with { type: "json" };
import { run } from "../../src/cli/run.ts";
import { processHost } from "../../src/host/host.ts";

const own = processHost();
const stop = new AbortController();

function can(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

function probe(): Record<string, boolean> {
  const file = `${Deno.args[0]}/probe`;
  return {
    write: can(() => Deno.writeTextFileSync(file, "")),
    read: can(() => Deno.statSync(Deno.args[0]!)),
    run: can(() => new Deno.Command(Deno.execPath()).outputSync()),
    env: can(() => Deno.env.get("STREAM_HOST")),
    sys: can(() => Deno.hostname()),
    net: can(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close()),
  };
}

let isProbed = false;

function tell(): void {
  if (isProbed) return;
  isProbed = true;
  // deno-lint-ignore no-console
  console.log(JSON.stringify(probe()));
  stop.abort();
}

await run(Deno.args.slice(1), {
  ...own,
  stop: stop.signal,
  writeStdout: () => Promise.resolve(tell()),
  writeStderr: (text) => {
    if (/listening on|has a publisher|published|Cannot connect/.test(text)) tell();
  },
}, config.version);
tell();

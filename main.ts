import { run } from "./src/cli/run.ts";
import { processHost } from "./src/host/host.ts";
import config from "./deno.json" with { type: "json" };

if (import.meta.main) Deno.exit(await run(Deno.args, processHost(), config.version));

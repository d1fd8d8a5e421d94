/**
 * Runs the program as its executable does. Once it listens, each of its first threads ends; when others
 * listen in their place, it says so: `lost_threads_probe.ts ARGS`.
 */
import config from "../../deno.json" with { type: "json" };
import { run } from "../../src/cli/run.ts";
import { processHost } from "../../src/host/host.ts";

const host = processHost();
const first: Worker[] = [];
let listening = 0;

const Thread = globalThis.Worker;
globalThis.Worker = class extends Thread {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    if (!String(url).endsWith("/shard_worker.ts")) return;
    this.addEventListener("message", ({ data }) => {
      if (data.type !== "listening") return;
      listening++;
      if (listening <= 2) first.push(this);
      else if (listening === 4) host.writeStderr("others listen\n");
    });
  }
};

Deno.exitCode = await run(Deno.args, {
  ...host,
  writeStderr: (text) => {
    host.writeStderr(text);
    if (!text.startsWith("listening on")) return;
    for (const thread of first) {
      thread.dispatchEvent(new ErrorEvent("error", { message: "told to die", cancelable: true }));
    }
  },
}, config.version);

/** The defaults of a relay's options on the command line are those of the relay itself. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { readLine } from "../../src/cli/command.ts";
import { serveOptions } from "../../src/cli/serve.ts";
import { serveCommand } from "../../src/cli/serve_command.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";

Deno.test("serve without options has the defaults of a relay", () => {
  const { flags } = readLine(serveCommand, [], () => undefined);
  const { host, port, workers, ...options } = serveOptions(flags);
  assertEquals(options, { ...DEFAULT_OPTIONS, ...DEFAULT_LISTEN_LIMITS });
  assertEquals([host, port, workers], ["127.0.0.1", 8080, 1]);
});

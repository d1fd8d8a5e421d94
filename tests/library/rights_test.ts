/** What a program in Deno must be allowed to use the library. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { serve } from "../../mod.ts";

const ROOT = new URL("../../", import.meta.url);

const PROGRAM = `
import { publish, watch } from "./src/client/mod.ts";

const [url] = Deno.args;
const out = publish(url, { format: "raw" });
await out.send(Uint8Array.of(7));
for await (const { data } of watch(url)) {
  console.log(data.join());
  break;
}
await out.end();
`;

for (const rights of [["--allow-net"], ["--allow-net", "--allow-env=WS_NO_*"]]) {
  Deno.test(`publish and watch need no more than ${rights.join(" ")}`, async () => {
    await using relay = await serve({ port: 0 });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", ...rights, "--ext=ts", "-", `${relay.address}/cam`],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(PROGRAM));
    await writer.close();
    const { stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([text(stdout), text(stderr)], ["7\n", ""]);
  });
}

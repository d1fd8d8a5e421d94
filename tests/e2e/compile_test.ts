// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { ROOT } from "../program.ts";

Deno.test("deno task compile says in one sentence that DENORT_BIN names nothing", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile", "--output", "/nonexistent/stream"],
    cwd: ROOT,
    env: { DENORT_BIN: "/nonexistent/denort", NO_COLOR: "1" },
  }).output();
  assertEquals(code, 1);
  assertMatch(
    new TextDecoder().decode(stderr),
    /^Cannot compile: DENORT_BIN names \/nonexistent\/denort, where nothing is; [^\n]+\n$/,
  );
});

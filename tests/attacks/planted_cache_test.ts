/** A file that another user of the machine has planted where the executable could look for its code. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { needs } from "../ffmpeg.ts";
import { ROOT } from "../program.ts";

/** The compiler writes what it has to say behind any executable; only Deno's own one would read it. */
const ANY_EXECUTABLE = "/bin/true";
const NOT_LINUX = Deno.build.os === "linux" ? undefined : `${ANY_EXECUTABLE} is one on Linux`;
const name = "the executable takes its code from no file that others can plant";

Deno.test({
  ...needs(NOT_LINUX, name),
  async fn() {
    await using folder = await makeFolder();
    const path = `${folder.path}/stream`;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "compile", "--output", path],
      cwd: ROOT,
      env: { DENORT_BIN: await Deno.realPath(ANY_EXECUTABLE) },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    // What names the file in the temporary folder: tests/e2e/compiled_test.ts sees that there is none.
    const said = new TextDecoder("latin1").decode(await Deno.readFile(path));
    assertEquals(said.match(/"code_cache_key":[^,}]*/g), ['"code_cache_key":null']);
  },
});

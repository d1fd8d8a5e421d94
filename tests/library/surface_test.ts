/** What is published: its words, its examples, and the packages that it makes. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

interface Config {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

async function configOf(path: string): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));
}

/** Runs `deno` in the repository; returns what it complains of, or `undefined`. */
async function complaint(...args: string[]): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr);
}

/** All modules of the surface, with those that have examples. */
async function modules(): Promise<string[]> {
  const { exports } = await configOf("deno.json");
  const client = ["api", "publish", "watch"].map((name) => `src/client/${name}.ts`);
  return [...Object.values(exports).map((path) => path.replace("./", "")), ...client];
}

Deno.test("the library's public symbols are documented", async () => {
  const { exports } = await configOf("deno.json");
  assertEquals(await complaint("doc", "--lint", ...Object.values(exports)), undefined);
});

Deno.test("the library's examples have types that fit", async () => {
  const { imports, exports, compilerOptions } = await configOf("deno.json");
  // An example need not use all that the module has.
  const { noUnusedLocals: _, noUnusedParameters: __, ...options } = compilerOptions;
  const own = Object.entries(exports).map(([name, path]) => [
    `@stream/relay${name.slice(1)}`,
    new URL(path, ROOT).href,
  ]);
  const config = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        unstable: ["net"],
        imports: { ...imports, ...Object.fromEntries(own) },
        compilerOptions: options,
      }),
    );
    const check = ["check", "--quiet", "--no-lock", "--config", config, "--doc-only"];
    const files = [...await modules(), "src/server/mod.ts", "docs/library.md", "README.md"];
    assertEquals(await complaint(...check, ...files), undefined);
  } finally {
    await Deno.remove(config);
  }
});

Deno.test("the library's functions each have an example", async () => {
  for (const path of [...await modules(), "src/server/mod.ts"]) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    // The doc block that stands right before each function.
    const functions = text.matchAll(
      /(\/\*\*(?:(?!\*\/)[^])*\*\/)\nexport (?:async )?function (\w+)/g,
    );
    for (const [, doc, name] of functions) assert(doc!.includes("@example"), `${path}: ${name}`);
  }
});

Deno.test("the library could be published", async () => {
  assertEquals(await complaint("publish", "--dry-run", "--allow-dirty"), undefined);
});

Deno.test("the package for npm is the same as the other, without the relay", async () => {
  const [whole, npm] = [await configOf("deno.json"), await configOf("deno.npm.json")];
  const { ".": _, ...others } = whole.exports;
  assertEquals([npm.version, npm.exports], [whole.version, others]);
  for (const [name, version] of Object.entries(npm.imports)) {
    assertEquals(version, whole.imports[name], name);
  }
});

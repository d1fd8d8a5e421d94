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

/** Files that have examples besides the surface's own. */
const WITH_EXAMPLES = [
  "src/access/secrets.ts",
  "src/access/access.ts",
  "src/client/api.ts",
  "src/client/publish.ts",
  "src/client/watch.ts",
  "src/core/drops.ts",
  "src/errors.ts",
  "src/net/stream_url.ts",
  "src/player/element.ts",
  "src/server/mod.ts",
  "docs/library.md",
  "README.md",
];

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
    const files = [...Object.values(exports), ...WITH_EXAMPLES];
    assertEquals(await complaint(...check, ...files), undefined);
  } finally {
    await Deno.remove(config);
  }
});

interface Documented {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] };
    readonly location?: { readonly filename: string };
  }[];
}

Deno.test("the library's functions and classes each have an example, which is checked", async () => {
  const { exports } = await configOf("deno.json");
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...Object.values(exports)],
    cwd: ROOT,
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly nodes: Readonly<Record<string, { readonly symbols: readonly Documented[] }>>;
  };
  const symbols = Object.values(nodes).flatMap((module) => module.symbols);
  assert(symbols.length > 50, `${symbols.length} symbols`);
  for (const { name, declarations } of symbols) {
    for (const { kind, jsDoc, location } of declarations) {
      if (kind !== "function" && kind !== "class") continue;
      assert(jsDoc?.tags?.some((tag) => tag.kind === "example"), `${name} has no example`);
      const isChecked = WITH_EXAMPLES.some((path) => location?.filename.endsWith(`/${path}`));
      assert(isChecked, `the example of ${name} is in ${location?.filename}`);
    }
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

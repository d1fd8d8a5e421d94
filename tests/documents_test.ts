/** What the documents for people who change the code name is there. */
// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(new URL(path, ROOT));
    return true;
  } catch {
    // It is not.
    return false;
  }
}

/** What stands behind `name` in a class or an interface; empty where there is none. */
function bodyOf(code: string, name: string): string {
  const begin = new RegExp(`^(?:export )?(?:class|interface) ${name}\\b`, "m").exec(code);
  if (begin === null) return "";
  const rest = code.slice(begin.index);
  return rest.slice(0, rest.search(/^\}/m));
}

/** Whether `code` has what `name` says: `fn`, `CONSTANT`, `Class`, `Class.method` or `Class.#method`. */
function has(code: string, name: string): boolean {
  const [owner = "", member] = name.split(".");
  if (member !== undefined) {
    const method = new RegExp(`^  (?:static )?(?:async )?(?:get )?${member}(?:<.*>)?\\(`, "m");
    return method.test(bodyOf(code, owner));
  }
  const kinds = "(?:async )?function|const|class|interface|type";
  return new RegExp(`^(?:export )?(?:${kinds}) ${owner}\\b`, "m").test(code);
}

/** What of `page` is not in the code: files, and functions of files. */
function missing(page: string, code: (path: string) => string = read): string[] {
  return [...page.matchAll(/`((?:src|tests|docs|tools|types)\/[\w./]*)(?::([\w.#]+))?`/g)]
    .filter(([, path = "", name]) =>
      !isThere(path) || (name !== undefined && !has(code(path), name))
    )
    .map(([named]) => named);
}

for (const path of ["docs/architecture.md", "CONTRIBUTING.md"]) {
  Deno.test(`${path} names files and functions that are there`, () => {
    const page = read(path);
    assert(page.includes("`src/"), "no file is named");
    assertEquals(missing(page), []);
  });
}

Deno.test("README.md's map has every folder under src, and none that is not there", () => {
  const map = read("README.md").split("\n## Map\n")[1]!;
  const named = [...map.matchAll(/^ {4}src\/(\w+)\/ /gm)].map(([, name]) => name);
  const folders = [...Deno.readDirSync(new URL("src/", ROOT))]
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  assertEquals(named.sort(), folders.sort());
});

Deno.test("the check of documents finds what is not there", () => {
  const code =
    "export class A {\n  get b() {}\n  async #c() {}\n}\nconst D = 1;\nfunction e() {}\n";
  const here = "`src/errors.ts:";
  const named = ["A", "A.b", "A.#c", "D", "e", "A.c", "A.D", "f", "B.b"];
  const page = named.map((name) => `${here}${name}\``).join(" ") + " `src/none.ts` `src/core`";
  assertEquals(missing(page, () => code), [
    ...["A.c", "A.D", "f", "B.b"].map((name) => `${here}${name}\``),
    "`src/none.ts`",
  ]);
});

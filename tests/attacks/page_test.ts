/** docs/security.md says what is there. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { GUARD_FLAGS } from "../../src/cli/serve_command.ts";
import { ROOT } from "../program.ts";
import { ATTACKS } from "./attacks.ts";

const PAGE = Deno.readTextFileSync(`${ROOT}docs/security.md`);

Deno.test("docs/security.md has a line for every limit of strangers", () => {
  const limits = PAGE.split("\n## Limits\n")[1]!.split("\n## ")[0]!;
  const missing = Object.keys(GUARD_FLAGS).filter((flag) => !limits.includes(`--${flag}`));
  assertEquals(missing, []);
});

Deno.test("docs/security.md has a line for every attack, and for each that deno does not hold", () => {
  const table = PAGE.split("\n## Attacks that were tried\n")[1]!;
  const missing = ATTACKS.filter(({ name, what }) => !table.includes(`| \`${name}\`: ${what} `));
  assertEquals(missing.map(({ name }) => name), []);
  for (const { name, ends, onDeno } of ATTACKS) {
    assert(ends.deno !== undefined || onDeno !== undefined, `${name} says nothing of deno`);
  }
});

Deno.test("docs/security.md's links lead somewhere", () => {
  const headings = (text: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading.toLowerCase().replace(/[^\w\s-]/g, "").replaceAll(" ", "-")
    );
  const links = [...PAGE.matchAll(/\]\(([\w./]*)(?:#([\w-]+))?\)/g)];
  assert(links.length > 3);
  for (const [link, file = "", place] of links) {
    const text = file === "" ? PAGE : Deno.readTextFileSync(`${ROOT}docs/${file}`);
    assert(place === undefined || headings(text).includes(place), link);
  }
});

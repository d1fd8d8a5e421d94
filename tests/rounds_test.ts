/** What further rounds of `deno task test:all` leave out is what they may leave out. */
// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { filesOf, FOLDERS, LEFT_OUT, relayTests, type Round } from "./rounds.ts";

const ROUNDS: readonly Round[] = ["node", "two"];

function read(file: string): string {
  return Deno.readTextFileSync(new URL(file, import.meta.url));
}

function leftOut(round: Round, why: RegExp): string[] {
  return Object.entries(LEFT_OUT).filter(([, rounds]) => why.test(rounds[round] ?? ""))
    .map(([file]) => file);
}

Deno.test("A further round leaves out nothing but what is named, and all of that is there", () => {
  for (const round of ROUNDS) {
    const named = Object.keys(LEFT_OUT).filter((file) => LEFT_OUT[file]![round] !== undefined);
    assertEquals([...filesOf(round), ...named].sort(), relayTests());
  }
});

Deno.test("What a further round leaves out for want of a relay starts none", () => {
  const files = leftOut("node", /starts no relay/);
  assert(files.length > 10, String(files.length));
  // A relay in this process, the program's, or one of the options that say what listens.
  const begins = /\bstartRelay\(|\bserve\(|start\(\[?"(?:serve|demo)/;
  assertEquals(files.filter((file) => begins.test(read(file))), []);
});

Deno.test("What says itself what listens, or with how many threads, leaves it to no relay's default", () => {
  for (const round of ROUNDS) {
    for (const file of leftOut(round, /^says itself/)) {
      const relays = [
        ...read(file).matchAll(/\b(?:startRelay|serve)\(\{[^;]*;/g),
      ];
      const needed = /what listens/.test(LEFT_OUT[file]![round]!)
        ? [/\blistener\b/, /\bworkers\b/]
        : [/\bworkers\b/];
      for (const [all] of relays) {
        for (const each of needed) assert(each.test(all), `${file}: ${all}`);
      }
    }
  }
});

Deno.test("The tasks of further rounds take their files from the list", () => {
  const { tasks } = JSON.parse(read("../deno.json"));
  for (const round of ROUNDS) {
    const task: string = tasks[`test:${round}`];
    assert(task.endsWith(` $(deno run --quiet --allow-read tests/rounds.ts ${round})`), task);
    assert(tasks["test:all"].includes(`deno task test:${round}`), tasks["test:all"]);
  }
  // What the first round leaves out is a task of its own, which is there.
  assert(
    /deno task test --ignore=tests\/attacks && .*deno task test:attacks /.test(tasks["test:all"]),
  );
  assert(tasks["test:attacks"].endsWith(" tests/attacks"), tasks["test:attacks"]);
  assertEquals(FOLDERS, ["server", "cli", "e2e", "browser"]);
});

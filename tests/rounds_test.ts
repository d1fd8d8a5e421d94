/** What further rounds of `deno task test:all` leave out is what they may leave out. */
// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { ALONE, filesOf, LEFT_OUT, relayTests, type Round } from "./rounds.ts";

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

Deno.test("Each round runs what may run beside other tests, and then the rest alone", () => {
  for (const round of ["first", ...ROUNDS] as const) {
    const [beside, alone] = [filesOf(round, "beside"), filesOf(round, "alone")];
    assertEquals([...beside, ...alone].sort(), filesOf(round));
    assert(beside.length > 0 && alone.length > 0);
  }
  assert(filesOf("first").includes("rounds_test.ts"));
  for (const alone of ALONE) assert(filesOf("first").some((file) => file.startsWith(alone)), alone);
});

Deno.test("The tasks of all rounds take their files from the list", () => {
  const { tasks } = JSON.parse(read("../deno.json"));
  const rounds = { first: "", node: "TEST_LISTENER=node ", two: "TEST_WORKERS=2 " };
  for (const [round, variables] of Object.entries(rounds)) {
    const line = tasks.test.replace(/ tests$/, "");
    const list = (group: string) =>
      `$(deno run --quiet --allow-read tests/rounds.ts ${round} ${group})`;
    const beside = `${variables}${line} ${list("beside")}`;
    const alone = `${variables}DENO_JOBS=1 ${line} ${list("alone")}`;
    assertEquals(tasks[`test:${round}`], `${beside} && ${alone}`);
  }
  const all = Object.keys(rounds).map((round) => `TEST_ALL=1 deno task test:${round}`);
  assertEquals(tasks["test:all"], all.join(" && "));
});

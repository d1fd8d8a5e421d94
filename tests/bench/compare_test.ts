/** What the comparison with other relays reckons. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { benchArguments } from "../../bench/compare/arguments.ts";
import { countOf, markdownTable, median, medianOf } from "../../bench/compare/figures.ts";
import { cpuSecondsAt } from "../../bench/compare/usage_record.ts";

Deno.test("medianOf is the number in the middle, or the mean of two", () => {
  assertEquals(medianOf([9]), 9);
  assertEquals(medianOf([9, 100, 1]), 9);
  assertEquals(medianOf([4, 100, 1, 9]), 6.5);
  assertEquals(medianOf([]), NaN);
});

Deno.test("median writes the range where runs differ, in the column's unit", () => {
  const column = median("ms", "seconds", { digits: 1, unit: 0.001 });
  assertEquals(column.text([{ seconds: 1 }]), "1,000.0");
  assertEquals(
    column.text([{ seconds: 0.3 }, { seconds: 0.1 }, { seconds: 0.2 }]),
    "200.0 (100.0–300.0)",
  );
  assertEquals(column.text([{ seconds: NaN }]), "–");
});

Deno.test("countOf tells in how many runs a figure is not 0", () => {
  assertEquals(countOf("failed", "failed").text([{ failed: 2 }, { failed: 0 }]), "1 of 2");
});

Deno.test("markdownTable has a line for each relay that has run", () => {
  const cases = [
    { name: "one", runs: [{ cores: 1 }] },
    { name: "none", runs: [] },
    { name: "another", runs: [{ cores: 0.25 }, { cores: 0.75 }] },
  ];
  const lines = [
    "| relay   | cores            |",
    "| ------- | ---------------- |",
    "| one     | 1.00             |",
    "| another | 0.50 (0.25–0.75) |",
  ];
  assertEquals(markdownTable([median("cores", "cores", { digits: 2 })], cases), lines.join("\n"));
});

Deno.test("cpuSecondsAt is even between two samples, and knows nothing beyond them", () => {
  const samples = [
    { atMs: 1000, cpuSeconds: 2 },
    { atMs: 1100, cpuSeconds: 2.1 },
    { atMs: 1300, cpuSeconds: 2.5 },
  ];
  const at = (atMs: number) => Math.round(cpuSecondsAt(samples, atMs) * 1e6) / 1e6;
  assertEquals([1000, 1050, 1100, 1150, 1300].map(at), [2, 2.05, 2.1, 2.2, 2.5]);
  for (const atMs of [999, 1301]) assertThrows(() => at(atMs), Error, "not within the record");
  assertThrows(() => cpuSecondsAt([], 1000), Error, "not within the record");
});

Deno.test("benchArguments measures all rows unless some are named", () => {
  const { rows, ...others } = benchArguments([]);
  assertEquals(rows.map(({ name }) => name), [
    "200x100k",
    "2000x10k",
    "5000x10k",
    "stalled",
    "idle",
    "tokens",
    "tls",
    "delay",
    "http",
  ]);
  assertEquals(others, { runs: 5, seconds: 6, only: [], json: undefined, preparesOnly: false });
  const some = benchArguments(["delay", "idle", "--runs", "1", "--seconds=4", "--only", "Bun"]);
  assertEquals(some.rows.map(({ name }) => name), ["idle", "delay"]);
  assertEquals([some.runs, some.seconds, some.only], [1, 4, ["Bun"]]);
});

Deno.test("benchArguments refuses rows, relays, options and numbers that it does not know", () => {
  const refused: [string, ...string[]][] = [
    ["rows are", "200x100K"],
    ["relays are", "--only", "bun"],
    ["no such option", "--run", "5"],
    ["--runs", "--runs", "0"],
    ["--seconds", "--seconds", "x"],
  ];
  for (const [why, ...args] of refused) assertThrows(() => benchArguments(args), Error, why);
});

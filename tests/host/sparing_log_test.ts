// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { silentLog } from "../../src/host/log.ts";
import { SparingLog } from "../../src/host/sparing_log.ts";

Deno.test("SparingLog tells of ten things a second, and then how many more there were", () => {
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  const log = new SparingLog({ ...silentLog, info: say, warn: say }, "publishers came or went");
  for (let n = 1; n <= 500; n++) log.info(String(n));
  log.warn("heard all the same");
  const ten = Array.from({ length: 10 }, (_, at) => String(at + 1));
  assertEquals(lines.splice(0), [...ten, "heard all the same"]);
  log.report();
  assertEquals(lines.splice(0), ["490 more publishers came or went within a second"]);
  log.info("again");
  log.report();
  assertEquals(lines, ["again"]);
});

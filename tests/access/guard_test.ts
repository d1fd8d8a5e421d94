/** The guard of a relay: wrong tokens are limited by address, and refusals are told in bounds. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Ruling } from "../../src/access/access.ts";
import { MAX_FAILURES, WINDOW_S } from "../../src/access/failures.ts";
import { MAX_TOKEN_LENGTH, type Occasion, RelayGuard } from "../../src/access/guard.ts";
import { sharedSecrets } from "../../src/access/secrets.ts";
import { type LogFields, silentLog } from "../../src/host/log.ts";

function scene() {
  const lines: (readonly [string, LogFields])[] = [];
  let nowMs = 0;
  const guard = new RelayGuard(sharedSecrets({ publish: "pub", watch: "see" }), {
    log: { ...silentLog, warn: (message, fields = {}) => lines.push([message, fields]) },
    wallMs: () => nowMs,
    trustedProxies: ["192.0.2.7"],
  });
  const ask = (token: string | undefined, address = "203.0.113.5", occasion: Occasion = "first") =>
    guard.ask({ action: "watch", stream: "cam", address, token }, occasion) as Ruling;
  return { guard, lines, ask, pass: (ms: number) => nowMs += ms };
}

Deno.test("RelayGuard takes nothing from an address that has sent too many wrong tokens", () => {
  const { ask, pass } = scene();
  for (let count = 0; count < MAX_FAILURES; count++) {
    assertEquals(ask("guess").decision, "unknown");
  }
  const limited = ask("guess");
  assertEquals([limited.decision, limited.retryAfterS], ["limited", WINDOW_S]);
  // What is right is not told from what is wrong.
  assertEquals(ask("see").decision, "limited");
  assertEquals(ask("see", "203.0.113.6").decision, "allowed");
  assertEquals(ask("see", "203.0.113.5", "again").decision, "allowed");
  pass(WINDOW_S * 1000 - 1);
  assertEquals(ask("see").retryAfterS, 1);
  pass(1);
  assertEquals(ask("see").decision, "allowed");
});

Deno.test("RelayGuard counts no absent token, no right one for something else, no loopback, no proxy", () => {
  const { guard, ask } = scene();
  for (let count = 0; count <= MAX_FAILURES; count++) {
    ask(undefined);
    guard.ask({ action: "publish", stream: "cam", address: "203.0.113.5", token: "see" }, "first");
    for (const address of ["127.0.0.1", "::1", "192.0.2.7", ""]) ask("guess", address);
    ask("guess", "203.0.113.5", "view");
  }
  for (const address of ["203.0.113.5", "127.0.0.1", "::1", "192.0.2.7", ""]) {
    assertEquals(ask("see", address).decision, "allowed", address);
  }
});

Deno.test("RelayGuard takes who asks what he may do for a guesser only where his token is wrong", () => {
  const { guard, lines, ask } = scene();
  const offered = (token: string | undefined) => ask(token, "203.0.113.5", "offer").decision;
  for (let count = 0; count <= MAX_FAILURES; count++) {
    assertEquals(offered(undefined), "unknown");
    const question = {
      action: "admin",
      stream: "cam",
      address: "203.0.113.5",
      token: "see",
    } as const;
    assertEquals((guard.ask(question, "offer") as Ruling).decision, "forbidden");
  }
  assertEquals([offered("see"), lines.length], ["allowed", 0]);
  for (let count = 0; count < MAX_FAILURES; count++) assertEquals(offered("guess"), "unknown");
  assertEquals([offered("see"), ask("see").decision], ["limited", "limited"]);
  assertEquals(lines[0]![0], 'refused watch "cam" of 203.0.113.5: the token is wrong');
});

Deno.test("RelayGuard remembers 10,000 guessers, and forgets the first one for each beyond", () => {
  const { ask } = scene();
  for (let count = 0; count < MAX_FAILURES; count++) {
    for (const address of ["203.0.113.5", "203.0.113.6"]) ask("guess", address);
  }
  const siteOf = (number: number) => `2001:db8:${number.toString(16)}::1`;
  for (let number = 0; number < 10_000 - 2; number++) ask("guess", siteOf(number));
  assertEquals(ask("see", "203.0.113.5").decision, "limited");
  ask("guess", siteOf(10_000));
  assertEquals(ask("see", "203.0.113.5").decision, "allowed");
  assertEquals(ask("see", "203.0.113.6").decision, "limited");
});

Deno.test("RelayGuard counts the addresses of one IPv6 site together", () => {
  const { ask } = scene();
  for (let count = 0; count < MAX_FAILURES; count++) ask("guess", `2001:db8::${count + 1}`);
  assertEquals(ask("see", "2001:db8::ffff").decision, "limited");
  assertEquals(ask("see", "2001:db8:0:1::1").decision, "allowed");
});

Deno.test("RelayGuard writes a line for each refusal, ten a second, then a count, and no token", () => {
  const { guard, lines, ask } = scene();
  for (let count = 0; count < 12; count++) ask("my-guess", `203.0.113.${count}`);
  ask("see");
  ask(undefined, "203.0.113.1", "view");
  assertEquals(lines.length, 10);
  assertEquals(lines[3], ['refused watch "cam" of 203.0.113.3: the token is wrong', {
    reason: "access",
    action: "watch",
    stream: "cam",
    address: "203.0.113.3",
  }]);
  guard.report();
  assertEquals(lines[10], ["refused 2 more within a second", { reason: "access", count: 2 }]);
  guard.report();
  assertEquals(lines.length, 11);
  assertEquals(JSON.stringify(lines).includes("my-guess"), false);
});

Deno.test("RelayGuard writes a line for each change, ten a second beside refusals, then a count", () => {
  const lines: (readonly [string, LogFields])[] = [];
  const write = (message: string, fields: LogFields = {}) => lines.push([message, fields]);
  const guard = new RelayGuard(sharedSecrets({ watch: "see" }), {
    log: { ...silentLog, info: write, warn: write },
    wallMs: () => 0,
    trustedProxies: [],
  });
  const who = { action: "admin", stream: "cam", address: "" } as const;
  for (let count = 0; count < 30; count++) guard.ask({ ...who, token: undefined }, "first");
  lines.length = 0;
  for (let count = 0; count < 12; count++) {
    guard.note({ ...who, ids: { tokenId: "a\nb" }, what: "30 to 10 fps", fields: { fps: 10 } });
  }
  assertEquals(lines.length, 10);
  assertEquals(lines[9], ['permitted admin "cam" of somebody (jti a\\nb): 30 to 10 fps', {
    reason: "change",
    action: "admin",
    stream: "cam",
    address: "",
    jti: "a\\nb",
    fps: 10,
  }]);
  guard.report();
  assertEquals(lines.slice(10).map(([message]) => message), [
    "refused 20 more within a second",
    "permitted 2 more changes within a second",
  ]);
  guard.report();
  assertEquals(lines.length, 12);
});

Deno.test("RelayGuard looks at no token that is too long", () => {
  const { ask } = scene();
  assertEquals(ask("a".repeat(MAX_TOKEN_LENGTH)).why, "the token is wrong");
  assertStringIncludes(ask("a".repeat(MAX_TOKEN_LENGTH + 1)).why!, `${MAX_TOKEN_LENGTH}`);
});

/** Shared secrets: who knows which may do what, and what a refusal says. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Action, Decision, Ruling } from "../../src/access/access.ts";
import { anyOf, openFor } from "../../src/access/any_of.ts";
import { sharedSecrets } from "../../src/access/secrets.ts";

const ACTIONS: readonly Action[] = ["publish", "watch", "admin", "metrics", "connect"];
const SECRETS = { publish: "pub", watch: "see", admin: "adm", metrics: "num" };

function verdict(answer: unknown): string {
  const ruling = answer as Ruling | Decision;
  return typeof ruling === "string" ? ruling : ruling.fault ?? ruling.decision;
}

function ask(access: ReturnType<typeof sharedSecrets>, token: string | undefined): string[] {
  return ACTIONS.map((action) =>
    verdict(access.authorize({ action, stream: "cam", address: "192.0.2.1", token }))
  );
}

Deno.test("sharedSecrets lets who may publish or govern watch, and nobody else do more", () => {
  const access = sharedSecrets(SECRETS);
  const [yes, no] = ["allowed", "action"];
  assertEquals(ask(access, "pub"), [yes, yes, no, no, yes]);
  assertEquals(ask(access, "see"), [no, yes, no, no, yes]);
  assertEquals(ask(access, "adm"), [no, yes, yes, no, yes]);
  assertEquals(ask(access, "num"), [no, no, no, yes, no]);
  for (const wrong of ["", "pu", "pubb", "PUB", "pub ", "undefined"]) {
    assertEquals(ask(access, wrong), Array(5).fill("wrong"), wrong);
  }
  assertEquals(ask(access, undefined), Array(5).fill("none"));
});

Deno.test("sharedSecrets gives one secret for two actions what either may", () => {
  const access = sharedSecrets({ publish: "one", metrics: "one" });
  assertEquals(ask(access, "one"), ["allowed", "allowed", "action", "allowed", "allowed"]);
});

Deno.test("sharedSecrets lets nobody do what no secret is for", () => {
  assertEquals(ask(sharedSecrets({ watch: "see" }), "see")[0], "action");
  assertEquals(ask(sharedSecrets({}), ""), Array(5).fill("wrong"));
});

Deno.test("anyOf lets in whom one way lets in, and else says what tells most", () => {
  const both = anyOf([sharedSecrets({ watch: "see" }), sharedSecrets({ admin: "adm" })]);
  assertEquals(ask(both, "adm"), ["action", "allowed", "allowed", "action", "allowed"]);
  assertEquals(ask(both, "see"), ["action", "allowed", "action", "action", "allowed"]);
  assertEquals(ask(both, "x"), Array(5).fill("wrong"));
  assertEquals(both.needsToken, true);
  const open = anyOf([openFor(["watch"]), sharedSecrets({ publish: "pub" })]);
  assertEquals(ask(open, undefined), ["none", "allowed", "none", "none", "allowed"]);
  assertEquals(open.needsToken, false);
});

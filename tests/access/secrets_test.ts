/** Shared secrets: who knows which may do what, and what a refusal says. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Access, Action, Decision, Ruling } from "../../src/access/access.ts";
import { anyOf, openFor } from "../../src/access/any_of.ts";
import { openSecretFiles } from "../../src/access/secret_files.ts";
import { sharedSecrets } from "../../src/access/secrets.ts";
import { StreamError } from "../../src/errors.ts";
import { silentLog } from "../../src/host/log.ts";

const ACTIONS: readonly Action[] = ["publish", "watch", "admin", "metrics", "connect"];
const SECRETS = { publish: "pub", watch: "see", admin: "adm", metrics: "num" };

function verdict(answer: unknown): string {
  const ruling = answer as Ruling | Decision;
  return typeof ruling === "string" ? ruling : ruling.fault ?? ruling.decision;
}

function ask(access: Access, token: string | undefined): string[] {
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

/** A file in a folder of its own, and what is said of it. */
async function scene() {
  const folder = await Deno.makeTempDir();
  const said: string[] = [];
  const log = {
    ...silentLog,
    info: (text: string) => said.push(text),
    error: (text: string) => said.push(text),
  };
  const path = `${folder}/watch.txt`;
  const label = "--watch-token @watch.txt";
  const times = { lookMs: 3_600_000, settleMs: 0 };
  const open = () => openSecretFiles([{ action: "watch", path, label }], {}, log, times);
  const done = () => Deno.remove(folder, { recursive: true });
  return { folder, path, said, open, [Symbol.asyncDispose]: done };
}

function verdictOn(access: Access, token: string): string {
  return ask(access, token)[1]!;
}

Deno.test("openSecretFiles takes a changed secret up, and revokes the one before", async () => {
  await using files = await scene();
  await Deno.writeTextFile(files.path, "old\n");
  using secrets = await files.open();
  const { access, reload } = secrets;
  let told = 0;
  access.onChange(() => told++);
  await reload();
  assertEquals([verdictOn(access, "old"), told, files.said], ["allowed", 0, []]);
  await Deno.writeTextFile(files.path, "new\n");
  await reload();
  assertEquals([verdictOn(access, "old"), verdictOn(access, "new")], ["revoked", "allowed"]);
  assertEquals([verdictOn(access, "other"), told], ["wrong", 1]);
  await Deno.writeTextFile(files.path, "old");
  await reload();
  assertEquals([verdictOn(access, "old"), verdictOn(access, "new")], ["allowed", "revoked"]);
  assertEquals(files.said, Array(2).fill(`read ${files.path} again: it has changed`));
});

Deno.test("openSecretFiles keeps a secret while its file cannot be used, and says so once each time", async () => {
  await using files = await scene();
  await Deno.writeTextFile(files.path, "old");
  using secrets = await files.open();
  const { access, reload } = secrets;
  for (
    const [spoil, why] of [
      [() => Deno.writeTextFile(files.path, " \r\n"), "it is empty"],
      [() => Deno.remove(files.path), "No such file"],
      [() => Deno.writeTextFile(files.path, "a".repeat(8193)), "it has more than 8192 characters"],
      [() => Deno.writeTextFile(files.path, "x".repeat(5_000_000)), "it is larger than 1048576"],
      [() => Deno.writeTextFile(files.path, "geheimnüs"), "it has characters that no request"],
      [() => Deno.writeTextFile(files.path, "two\nlines"), "it has characters that no request"],
    ] as const
  ) {
    for (let time = 0; time < 2; time++) {
      files.said.length = 0;
      await spoil();
      await reload();
      await reload();
      assertEquals(files.said.length, 1, files.said.join("\n"));
      const line = files.said[0]!;
      assert(line.startsWith(`Cannot read --watch-token @watch.txt: ${why}`), line);
      assert(line.endsWith("; what it said before stays") && !/nüs|lines/.test(line), line);
      assertEquals(verdictOn(access, "old"), "allowed");
      await Deno.writeTextFile(files.path, "old");
      await reload();
    }
  }
});

Deno.test("openSecretFiles reads a secret as other systems write it", async () => {
  await using files = await scene();
  for (const text of ["s3cret\r\n", "\ufeffs3cret\r\n", "  s3cret \n\n"]) {
    await Deno.writeTextFile(files.path, text);
    using secrets = await files.open();
    assertEquals(verdictOn(secrets.access, "s3cret"), "allowed", JSON.stringify(text));
  }
});

Deno.test("openSecretFiles reads a pipe once, and does not wait for what comes behind", async () => {
  await using files = await scene();
  const { success } = await new Deno.Command("mkfifo", { args: [files.path] }).output();
  assert(success);
  const writing = Deno.writeTextFile(files.path, "s3cret\n");
  using secrets = await files.open();
  await writing;
  await secrets.reload();
  assertEquals([verdictOn(secrets.access, "s3cret"), files.said], ["allowed", []]);
});

Deno.test("openSecretFiles says at first what is wrong with a file, as an error", async () => {
  await using files = await scene();
  await assertRejects(
    files.open,
    StreamError,
    "Cannot read --watch-token @watch.txt: No such file",
  );
  await Deno.writeTextFile(files.path, "");
  await assertRejects(files.open, StreamError, "Cannot read --watch-token @watch.txt: it is empty");
});

/** Signed tokens: whose they are, what they permit, and what is refused. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  CompactSign,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  generateSecret,
  importJWK,
} from "jose";
import { delay } from "@std/async/delay";
import type { Action, Ruling } from "../../src/access/access.ts";
import { matches } from "../../src/access/pattern.ts";
import { SignedTokens } from "../../src/access/signed_tokens.ts";
import { openTokenFiles } from "../../src/access/token_files.ts";
import { readKeys } from "../../src/access/token_keys.ts";
import { newKey, signToken } from "../../src/access/token_maker.ts";
import type { LookTimes } from "../../src/access/watched_files.ts";
import { silentLog } from "../../src/host/log.ts";

/** Files are looked at only when they are told to be, and taken as they are. */
const BY_HAND = { lookMs: 3_600_000, settleMs: 0 };

const ACTIONS: readonly Action[] = ["publish", "watch", "admin", "metrics", "connect"];

async function ask(
  access: SignedTokens,
  token: string | undefined,
  action: Action = "watch",
  stream: string | undefined = "cam-1",
): Promise<Ruling> {
  return await access.authorize({ action, stream, address: "192.0.2.1", token });
}

async function fault(...args: Parameters<typeof ask>): Promise<string> {
  const { fault, decision } = await ask(...args);
  return fault ?? decision;
}

/** Signs whatever it is given. */
async function sign(
  claims: unknown,
  jwk: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const alg = (header.alg ?? jwk.alg) as string;
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  return await new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ ...header, alg })
    .sign(await importJWK({ ...jwk, alg }, alg));
}

async function pair(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const secret = { ...await exportJWK(privateKey), alg, kid: `key-${alg}` };
  return { secret, open: { ...await exportJWK(publicKey), alg, kid: `key-${alg}` }, publicKey };
}

async function secretKey(kid = "k1") {
  return {
    ...await exportJWK(await generateSecret("HS256", { extractable: true })),
    alg: "HS256",
    kid,
  };
}

async function accessOf(...jwks: unknown[]): Promise<SignedTokens> {
  return new SignedTokens(await readKeys(JSON.stringify({ keys: jwks }), "check"));
}

Deno.test("SignedTokens takes HS256, EdDSA, ES256 and RS256, by the public key alone", async () => {
  for (const alg of ["EdDSA", "ES256", "RS256"]) {
    const { secret, open } = await pair(alg);
    const token = await sign({ watch: "*" }, secret, { kid: secret.kid });
    for (const jwk of [open, secret]) {
      const ruling = await ask(await accessOf(jwk), token);
      assertEquals([ruling.decision, ruling.keyId], ["allowed", `key-${alg}`]);
    }
    const made = await signToken(JSON.stringify(secret), { watch: ["*"] }, { nowMs: Date.now() });
    assertEquals(await fault(await accessOf(open), made.token), "allowed", alg);
    await assertRejects(() => readKeys(JSON.stringify(open), "sign"), Error, "cannot sign");
  }
  const raw = "a secret of thirty-two characters";
  const access = new SignedTokens(await readKeys(`${raw}\n`, "check"));
  const { token } = await signToken(raw, { watch: ["*"] }, { nowMs: Date.now() });
  assertEquals(await fault(access, token), "allowed");
});

Deno.test("SignedTokens lets the key decide how it is signed, never the token", async () => {
  const { open, publicKey } = await pair("RS256");
  const access = await accessOf(open);
  // The public key, which everybody knows, as a secret: in each form that it is written in.
  for (const text of [await exportSPKI(publicKey), JSON.stringify(open), open.n!]) {
    const k = btoa(text).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
    const token = await sign({ watch: "*" }, { kty: "oct", k, alg: "HS256" }, { kid: open.kid });
    assertEquals(await fault(access, token), "wrong");
  }
  const part = (value: unknown) =>
    btoa(JSON.stringify(value)).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  for (const alg of ["none", "None", "NONE", ""]) {
    for (const signature of ["", "AAAA"]) {
      const token = `${part({ alg })}.${part({ watch: "*" })}.${signature}`;
      assertEquals(await fault(access, token), "wrong", alg);
    }
  }
});

Deno.test("SignedTokens takes no token of another key, nor with a key's id from elsewhere", async () => {
  const [one, two] = [await secretKey("k1"), await secretKey("k2")];
  const access = await accessOf(one);
  const claims = { watch: "*" };
  assertEquals(await fault(access, await sign(claims, one)), "allowed");
  assertEquals(await fault(access, await sign(claims, one, { kid: "k1" })), "allowed");
  assertEquals(await fault(access, await sign(claims, one, { kid: "k2" })), "wrong");
  assertEquals(await fault(access, await sign(claims, two, { kid: "k1" })), "wrong");
  assertEquals(await fault(access, await sign(claims, two, { jwk: two })), "wrong");
  const token = await sign(claims, one);
  const [head, body, signature] = token.split(".");
  for (
    const bad of [
      "",
      "x",
      "..",
      `${head}.${body}.`,
      `${head}.${body}`,
      `${token}x`,
      `${head}.AAAA.${signature}`,
    ]
  ) {
    assertEquals(await fault(access, bad), "wrong", bad);
  }
  assertEquals(await fault(access, undefined), "none");
});

Deno.test("SignedTokens permits what the claims say, for the streams that their patterns name", async () => {
  const jwk = await secretKey();
  const access = await accessOf(jwk);
  const table = async (claims: unknown, stream?: string) => {
    const token = await sign(claims, jwk);
    return await Promise.all(ACTIONS.map((action) => fault(access, token, action, stream)));
  };
  const [yes, no, other] = ["allowed", "action", "stream"];
  assertEquals(await table({ publish: "cam-*" }), [yes, yes, no, no, yes]);
  assertEquals(await table({ publish: "cam-*" }, "garage"), [other, other, no, no, other]);
  assertEquals(await table({ watch: ["a", "cam-1"] }), [no, yes, no, no, yes]);
  assertEquals(await table({ admin: true }), [no, yes, yes, no, yes]);
  assertEquals(await table({ metrics: true }), [no, no, no, yes, no]);
  assertEquals(await table({ publish: false, watch: [] }), [no, no, no, no, no]);
  const token = await sign({ watch: "cam-*" }, jwk);
  const any = await access.authorize({ action: "watch", stream: undefined, address: "", token });
  assertEquals(any.decision, "allowed");
});

Deno.test("SignedTokens refuses a token with a claim that it does not know, or with a value that none has", async () => {
  const jwk = await secretKey();
  const access = await accessOf(jwk);
  const wrong = [
    { watch: "*", aud: "elsewhere" },
    { watch: "*", iss: "x" },
    { watch: "*", only: "10.0.0.1" },
    { watch: "*", exp: "tomorrow" },
    { watch: "*", exp: null },
    { watch: 1 },
    { watch: ["*", 1] },
    { watch: "cam*/.." },
    { watch: { a: 1 } },
    { watch: Array(101).fill("a") },
    { watch: "*", jti: 7 },
    [],
    "no JSON",
    "null",
  ];
  for (const claims of wrong) {
    assertEquals(await fault(access, await sign(claims, jwk)), "wrong", JSON.stringify(claims));
  }
  const known = { watch: "*", iat: 1, sub: "me", jti: "t", kid: "k1", nbf: 1, exp: 9e9 };
  const ruling = await ask(access, await sign(known, jwk));
  assertEquals([ruling.decision, ruling.tokenId, ruling.untilMs], ["allowed", "t", 9e12]);
});

Deno.test("SignedTokens knows expired, early and revoked tokens, to the second", async () => {
  const jwk = await secretKey();
  let nowMs = 1_000_000;
  const access = new SignedTokens(
    await readKeys(JSON.stringify(jwk), "check"),
    new Set(),
    () => nowMs,
  );
  const token = await sign({ watch: "*", nbf: 1000, exp: 1001, jti: "t1" }, jwk);
  nowMs = 999_999;
  assertEquals(await fault(access, token), "early");
  nowMs = 1_000_000;
  assertEquals(await fault(access, token), "allowed");
  nowMs = 1_000_999;
  assertEquals(await fault(access, token), "allowed");
  nowMs = 1_001_000;
  assertEquals(await fault(access, token), "expired");
  nowMs = 1_000_000;
  let told = 0;
  const end = access.onChange(() => told++);
  for (const id of ["t1", "k1"]) {
    access.setRevoked(new Set([id]));
    const ruling = await ask(access, token);
    assertEquals([ruling.fault, ruling.keyId, ruling.tokenId], ["revoked", "k1", "t1"]);
  }
  access.setRevoked(new Set());
  assertEquals(await fault(access, token), "allowed");
  access.setKeys(await readKeys(JSON.stringify(await secretKey("k1")), "check"));
  assertEquals(await fault(access, token), "wrong");
  assertEquals(told, 4);
  end();
});

Deno.test("readKeys says what is wrong with a file, and shows nothing of it", async () => {
  const short = { kty: "oct", k: "c2hvcnQtc2VjcmV0", kid: "a" };
  const good = await secretKey("a");
  for (
    const [text, said] of [
      ["", /at least 32 bytes/],
      ["short-secret", /at least 32 bytes/],
      ["{short-secret", /begins as JSON/],
      [JSON.stringify(short), /fewer than 32 bytes/],
      [JSON.stringify({ keys: [] }), /no list/],
      [JSON.stringify({ keys: [good, good] }), /same kid/],
      [JSON.stringify({ ...good, alg: "RS256" }), /not for its "alg"/],
      [JSON.stringify({ ...good, use: "enc" }), /"use"/],
      [JSON.stringify({ kty: "EC", crv: "P-521", x: "short-secret" }), /none of/],
      [JSON.stringify({ kty: "RSA", n: "short-secret" }), /cannot be read/],
    ] as const
  ) {
    const error = await assertRejects(() => readKeys(text, "check"), Error);
    assertMatch(error.message, said);
    assert(!/short|c2hvcnQ/.test(error.message), error.message);
  }
});

Deno.test("matches takes any run of characters for a star, and no time for many", () => {
  for (
    const [pattern, name, is] of [
      ["cam-*", "cam-1", true],
      ["cam-*", "cam-", true],
      ["cam-*", "cam", false],
      ["*", "x", true],
      ["*-1", "cam-1", true],
      ["c*m*1", "cam-11", true],
      ["a.c", "abc", false],
      ["cam", "cam-1", false],
      ["cam", "cam", true],
    ] as const
  ) assertEquals(matches([pattern], name), is, `${pattern} ${name}`);
  assertEquals(matches(["*a".repeat(60) + "b"], "a".repeat(64)), false);
  assertEquals([matches([], undefined), matches(["a"], undefined)], [false, true]);
});

Deno.test("openTokenFiles takes changed files up, and keeps what it has where they are broken", async () => {
  const folder = await Deno.makeTempDir();
  const [keys, revoked] = [`${folder}/key`, `${folder}/revoked`];
  const [one, two] = [await newKey(), await newKey()];
  await Deno.writeTextFile(keys, one);
  await Deno.writeTextFile(revoked, "# nobody\n");
  const said: string[] = [];
  const log = {
    ...silentLog,
    info: (text: string) => said.push(text),
    error: (text: string) => said.push(text),
  };
  using tokens = await openTokenFiles({ keys, revoked }, log, BY_HAND);
  const first = await signToken(one, { watch: ["*"] }, { nowMs: Date.now() });
  const second = await signToken(two, { watch: ["*"] }, { nowMs: Date.now() });
  assertEquals(await fault(tokens.access, first.token), "allowed");
  await tokens.reload();
  assertEquals(said, []);
  await Deno.writeTextFile(revoked, `${first.tokenId} # lost\n`);
  await tokens.reload();
  assertEquals(await fault(tokens.access, first.token), "revoked");
  await Deno.writeTextFile(keys, "{broken");
  await tokens.reload();
  await tokens.reload();
  assertEquals(await fault(tokens.access, first.token), "revoked");
  await Deno.writeTextFile(keys, two);
  await tokens.reload();
  assertEquals(await fault(tokens.access, first.token), "wrong");
  assertEquals(await fault(tokens.access, second.token), "allowed");
  await Deno.remove(keys);
  await tokens.reload();
  assertEquals(await fault(tokens.access, second.token), "allowed");
  assertEquals(said.map((line) => /again|begins as JSON|No such file/.exec(line)?.[0]), [
    "again",
    "begins as JSON",
    "again",
    "No such file",
  ]);
  await Deno.remove(folder, { recursive: true });
  await assertRejects(() => openTokenFiles({ keys }, log), Error, "Cannot read");
});

/** How many signatures are checked until it is disposed of. */
function countChecks() {
  const { verify } = crypto.subtle;
  const counted = {
    checks: 0,
    [Symbol.dispose]: () => void (crypto.subtle.verify = verify),
  };
  crypto.subtle.verify = (...args: Parameters<typeof verify>) => {
    counted.checks++;
    return verify.apply(crypto.subtle, args);
  };
  return counted;
}

Deno.test("SignedTokens checks a bounded number of signatures, one at a time, and what it knows goes ahead", async () => {
  const { open, secret } = await pair("ES256");
  const access = await accessOf(open);
  const right = await sign({ watch: "*" }, secret);
  assertEquals(await fault(access, right), "allowed");
  using counted = countChecks();
  const wrong = (number: number) => `${right.slice(0, -10)}${String(number).padStart(10, "A")}`;
  const beganMs = performance.now();
  const asked = Array.from({ length: 5000 }, (_, number) => ask(access, wrong(number)));
  const known = access.authorize({ action: "watch", stream: "a", address: "", token: right });
  assert(!(known instanceof Promise), "what is known waits for nothing");
  const rulings = await Promise.all(asked);
  const tookMs = performance.now() - beganMs;
  const count = (wanted: Ruling["decision"]) =>
    rulings.filter(({ decision }) => decision === wanted).length;
  assertEquals([count("allowed"), count("unknown") + count("limited")], [0, 5000]);
  // One is under way, and 2,048 wait at most.
  assert(count("unknown") <= 2049, `${count("unknown")} were checked`);
  assertEquals(count("unknown"), counted.checks);
  // 250 saved, and 250 a second.
  assert(counted.checks <= 252 + tookMs / 4, `${counted.checks} checks in ${tookMs} ms`);
});

Deno.test("SignedTokens checks a token once, however many bring it, and not again when keys are added", async () => {
  const [one, other] = [await pair("ES256"), await pair("RS256")];
  const access = await accessOf(one.open);
  const token = await sign({ watch: "*" }, one.secret, { kid: one.open.kid });
  using counted = countChecks();
  const faults = await Promise.all(Array.from({ length: 3000 }, () => fault(access, token)));
  assertEquals([new Set(faults), counted.checks], [new Set(["allowed"]), 1]);
  access.setKeys(await readKeys(JSON.stringify({ keys: [other.open, one.open] }), "check"));
  assertEquals([await fault(access, token), counted.checks], ["allowed", 1]);
  // A key of another name is another key.
  access.setKeys(await readKeys(JSON.stringify({ ...one.open, kid: "renamed" }), "check"));
  assertEquals(await fault(access, token), "wrong");
});

/** Files of two keys with a token of each, of which the first is in use, and what is said of them. */
async function turning(times: LookTimes) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/key`;
  const keys = [await newKey(), await newKey()] as const;
  const tokens = await Promise.all(
    keys.map(async (key) => (await signToken(key, { watch: ["*"] }, { nowMs: Date.now() })).token),
  );
  await Deno.writeTextFile(path, keys[0]);
  const said: string[] = [];
  const say = (text: string) => void said.push(text.replaceAll(folder, ""));
  const filed = await openTokenFiles(
    { keys: path },
    { ...silentLog, info: say, error: say },
    times,
  );
  return {
    folder,
    path,
    keys,
    said,
    filed,
    faults: async () =>
      [await fault(filed.access, tokens[0]), await fault(filed.access, tokens[1])].join(" "),
    [Symbol.asyncDispose]: async () => {
      filed[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("openTokenFiles takes nothing of a file that is being written", async () => {
  await using here = await turning({ ...BY_HAND, settleMs: 2000 });
  const both = JSON.stringify({ keys: here.keys.map((key) => JSON.parse(key)) });
  // A secret is one at any length that suffices: its half is no error.
  for (const [begun, whole] of [[both.slice(0, 99), both], ["x".repeat(40), here.keys[1]]]) {
    await Deno.writeTextFile(here.path, begun!);
    const before = await here.faults();
    const looking = here.filed.reload();
    await delay(200);
    await Deno.writeTextFile(here.path, whole!);
    await looking;
    assertEquals(await here.faults(), before);
    await here.filed.reload();
  }
  assertEquals(await here.faults(), "wrong allowed");
  assertEquals(here.said, Array(2).fill("read /key again: it has changed"));
});

Deno.test("openTokenFiles ends with what a file says last, however often it is told to look", async () => {
  await using here = await turning(BY_HAND);
  const looks: Promise<void>[] = [];
  for (let turn = 1; turn <= 41; turn++) {
    await Deno.writeTextFile(`${here.path}.new`, here.keys[turn % 2]!);
    await Deno.rename(`${here.path}.new`, here.path);
    looks.push(here.filed.reload(), here.filed.reload());
    if (turn % 7 === 0) await looks.at(-1);
  }
  await Promise.all(looks);
  assertEquals(await here.faults(), "wrong allowed");
});

Deno.test("openTokenFiles keeps what it has while a file is away, and tells that once each time", async () => {
  await using here = await turning(BY_HAND);
  const { path, folder, keys, filed, said } = here;
  const away: (() => Promise<void>)[] = [
    async () => {},
    // As somebody who may read everything, a test cannot be kept from a file otherwise.
    () => Deno.mkdir(path),
    () => Deno.symlink(`${folder}/nowhere`, path),
    () => Deno.symlink(path, path),
  ];
  for (const put of away) {
    await Deno.remove(path);
    await put();
    for (let count = 0; count < 3; count++) await filed.reload();
    assertEquals(await here.faults(), "allowed wrong");
    await Deno.remove(path).catch(() => {});
    await Deno.writeTextFile(path, keys[0]);
    for (let count = 0; count < 3; count++) await filed.reload();
  }
  assertEquals(said.length, 2 * away.length, said.join("\n"));
  for (const [index, line] of said.entries()) {
    assertMatch(
      line,
      index % 2 === 0 ? /^Cannot read \/key: .* stays$/ : /again: it is as it was$/,
    );
  }
  await Deno.writeTextFile(`${folder}/other`, keys[1]);
  await Deno.symlink(`${folder}/other`, `${folder}/link`);
  await Deno.rename(`${folder}/link`, path);
  await filed.reload();
  assertEquals(await here.faults(), "wrong allowed");
});

Deno.test("SignedTokens lets nobody in by a key that goes while it is asked", async () => {
  const [one, other] = [await newKey(), await newKey()];
  const access = new SignedTokens(await readKeys(one, "check"));
  const { token } = await signToken(one, { watch: ["*"] }, { nowMs: Date.now() });
  const asked = fault(access, token);
  access.setKeys(await readKeys(other, "check"));
  assertEquals(await asked, "wrong");
});

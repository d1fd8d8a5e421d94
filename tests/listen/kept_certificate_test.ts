/** Certificates that are kept, used again and made anew. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { StreamError } from "../../src/errors.ts";
import type { Log } from "../../src/host/log.ts";
import { readCertificate } from "../../src/listen/certificate.ts";
import { openKeeper } from "../../src/listen/keeper.ts";
import {
  certFileIn,
  keepCertificate,
  type KeepOrder,
  pairFileIn,
  RENEWED_MS,
  VALID_MS,
} from "../../src/listen/kept_certificate.ts";
import { selfSigned } from "../../src/listen/self_signed.ts";
import { type Folder, makeFolder } from "../cli/folder.ts";
import { silentLog } from "../../src/host/log.ts";
import { eventually } from "../waiting.ts";

const DAY_MS = 24 * 3_600_000;
const NOW_MS = Date.parse("2030-05-05T12:00:00Z");
const NAMES = { all: ["box", "box.local", "localhost", "127.0.0.1", "::1"], extra: [] };

function orderIn({ path }: Folder, of: Partial<KeepOrder> = {}): KeepOrder {
  return { folder: path, names: NAMES, checksNames: true, nowMs: NOW_MS, ...of };
}

async function modeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).mode! & 0o777;
}

/** The pair in a folder, which must belong together, and be the one that clients are given. */
async function pairIn({ path }: Folder) {
  const pair = await readCertificate({ certFile: pairFileIn(path), keyFile: pairFileIn(path) });
  assertEquals(await Deno.readTextFile(certFileIn(path)), pair.cert);
  return pair;
}

Deno.test("a certificate is for a server, its names, and 397 days, and says nothing else", async () => {
  await using folder = await makeFolder();
  const { fingerprint, untilMs, madeBecause } = await keepCertificate(orderIn(folder));
  assertEquals(madeBecause, "there was none");
  const { cert, fromMs } = await pairIn(folder);
  const x509 = new X509Certificate(cert);
  assertEquals(fingerprint, x509.fingerprint256);
  assertEquals([fromMs, untilMs], [NOW_MS - DAY_MS, NOW_MS - DAY_MS + VALID_MS]);
  assertEquals(VALID_MS, 397 * DAY_MS);
  assertEquals(x509.subject, "CN=box");
  assertEquals(x509.issuer, "CN=box");
  assertEquals(x509.ca, false);
  assertEquals(
    x509.subjectAltName,
    "DNS:box, DNS:box.local, DNS:localhost, IP Address:127.0.0.1, IP Address:::1",
  );
  assertEquals(await folder.names(), ["cert.pem", "key-and-cert.pem", "lock"]);
  if (Deno.build.os === "windows") return;
  assertEquals(await modeOf(pairFileIn(folder.path)), 0o600);
  assertEquals(/PRIVATE/.test(await Deno.readTextFile(certFileIn(folder.path))), false);
});

Deno.test("a certificate is used again as long as it is good, and then made anew", async () => {
  await using folder = await makeFolder();
  const first = await keepCertificate(orderIn(folder));
  const again = async (of: Partial<KeepOrder>) => {
    const { fingerprint, madeBecause } = await keepCertificate(orderIn(folder, of));
    await pairIn(folder);
    return [fingerprint === first.fingerprint, madeBecause];
  };
  assertEquals(await again({}), [true, undefined]);
  const fewer = { all: NAMES.all.slice(1), extra: [] };
  assertEquals(await again({ names: fewer }), [true, undefined]);
  // Clocks may be wrong by a day.
  assertEquals(await again({ nowMs: NOW_MS - DAY_MS }), [true, undefined]);
  const lastMs = first.untilMs - RENEWED_MS - 1000;
  assertEquals(await again({ nowMs: lastMs }), [true, undefined]);
  const more = { all: [...NAMES.all, "192.0.2.9"], extra: [] };
  assertEquals(await again({ names: more, checksNames: false }), [true, undefined]);

  assertEquals(await again({ nowMs: lastMs + 1000 }), [false, "the one before expires soon"]);
});

for (
  const [what, of, because] of [
    ["for another name", { names: { all: [...NAMES.all, "cams.lan"], extra: [] } }, /not for cams/],
    [
      "for another address",
      { names: { all: [...NAMES.all, "192.0.2.9"], extra: [] } },
      /192.0.2.9/,
    ],
    ["that has expired", { nowMs: NOW_MS + VALID_MS }, /^the one before has expired/],
    ["of a clock that was set back", { nowMs: NOW_MS - 2 * DAY_MS }, /is not valid before/],
  ] as const
) {
  Deno.test(`a certificate ${what} is made anew`, async () => {
    await using folder = await makeFolder();
    const before = await keepCertificate(orderIn(folder));
    const after = await keepCertificate(orderIn(folder, of));
    assertMatch(after.madeBecause!, because);
    assert(after.fingerprint !== before.fingerprint);
    await pairIn(folder);
  });
}

Deno.test("files that are damaged, mixed or missing are made anew, and leftovers are in nobody's way", async () => {
  await using folder = await makeFolder();
  const pair = pairFileIn(folder.path);
  await keepCertificate(orderIn(folder));
  const whole = await Deno.readTextFile(pair);
  const other = await selfSigned({ names: ["box"], fromMs: NOW_MS, untilMs: NOW_MS + DAY_MS });
  const damages = [
    "",
    whole.slice(0, 300),
    whole.slice(0, -100),
    whole.replace(/-----BEGIN PRIVATE[^]*/, other.key),
    whole.replace(/[A-Za-z0-9]{20}/, "A".repeat(20)),
    // The last bytes of a certificate are those of its signature.
    whole.replace(/.(?=..=*\n-----END CERT)/, (found) => found === "A" ? "B" : "A"),
  ];
  for (const damage of damages) {
    await Deno.writeTextFile(pair, damage);
    await Deno.writeTextFile(`${pair}.part`, "half");
    const { madeBecause } = await keepCertificate(orderIn(folder));
    assertMatch(
      madeBecause!,
      /^the one before cannot be used: (?:Cannot use .* for TLS: |its signature is wrong$)/,
    );
    await pairIn(folder);
    assertEquals(await modeOf(pair), 0o600);
  }
  await Deno.remove(pair);
  assertEquals((await keepCertificate(orderIn(folder))).madeBecause, "there was none");
});

Deno.test("what clients are given is written again where it is not that of the key", async () => {
  await using folder = await makeFolder();
  const { fingerprint } = await keepCertificate(orderIn(folder));
  for (const lose of [Deno.remove, (path: string) => Deno.writeTextFile(path, "other")]) {
    await lose(certFileIn(folder.path));
    const again = await keepCertificate(orderIn(folder));
    assertEquals([again.fingerprint, again.madeBecause], [fingerprint, undefined]);
    await pairIn(folder);
  }
});

Deno.test("those who ask at once get one certificate, whose key is there", async () => {
  await using folder = await makeFolder();
  const all = await Promise.all(Array.from({ length: 8 }, () => keepCertificate(orderIn(folder))));
  assertEquals(new Set(all.map(({ fingerprint }) => fingerprint)).size, 1);
  assertEquals(all.filter(({ madeBecause }) => madeBecause !== undefined).length, 1);
  const { cert } = await pairIn(folder);
  assertEquals(new X509Certificate(cert).fingerprint256, all[0]!.fingerprint);
});

Deno.test("a certificate is made anew while a relay runs, and its new fingerprint is told", async () => {
  await using folder = await makeFolder();
  const said: string[] = [];
  const log: Log = { ...silentLog, info: (line) => said.push(line) };
  let nowMs = NOW_MS;
  const path = `${folder.path}/a/b`;
  using keeper = await openKeeper({
    folder: path,
    names: NAMES,
    log,
    wallMs: () => nowMs,
    lookMs: 5,
  });
  const { certFile } = keeper.files;
  const before = new X509Certificate(await Deno.readTextFile(certFile));
  assertMatch(said[0]!, /^made a certificate for box, .*: there was none$/);
  assertMatch(
    said[1]!,
    /^clients trust the certificate by --ca .*cert\.pem \(until 2031-06-05\); /,
  );
  assert(said[1]!.endsWith(before.fingerprint256));
  if (Deno.build.os !== "windows") assertEquals(await modeOf(path), 0o700);
  nowMs += VALID_MS - RENEWED_MS;
  await eventually("the next one", () => said.length === 4);
  assertMatch(said[2]!, /: the one before expires soon$/);
  const after = new X509Certificate(await Deno.readTextFile(certFile));
  assert(said[3]!.endsWith(after.fingerprint256));
  assert(after.fingerprint256 !== before.fingerprint256);
});

Deno.test("a folder that cannot be made ends in a sentence that says what to do", async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const path = `${folder.path}/file/below`;
  const wallMs = () => NOW_MS;
  await assertRejects(
    () => openKeeper({ folder: path, names: NAMES, log: silentLog, wallMs }),
    StreamError,
    `Cannot keep a certificate in ${path}: part of the path is a file, not a folder; name a folder ` +
      "that can be written by XDG_STATE_HOME, or give --tls-cert and --tls-key",
  );
});

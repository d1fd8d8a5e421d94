/** How the commands are let in, and whom they trust. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Access } from "../../src/access/access.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { serve, type ServeOptions } from "../../src/server/serve.ts";
import { run, start } from "../program.ts";
import { DEFAULTS } from "../server/fixture.ts";
import { certificate, CertificateFolder, get } from "../server/tls.ts";
import { eventually } from "../waiting.ts";
import { runHere } from "./run_here.ts";

const DAY_MS = 86_400_000;

async function relayWith(options: Partial<ServeOptions>, access?: Access) {
  const relay = await serve({ ...DEFAULTS, ...options, workers: 1 }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    ...(access === undefined ? {} : { access }),
  });
  const socket = relay.address.replace(/^http/, "ws");
  return { ...relay, socket };
}

/** Lets only those in who have `tokens`, which a test may change. */
function onlyWith(tokens: Set<string>, headers: (string | undefined)[] = []): Access {
  return {
    authorize: ({ token }) => {
      headers.push(token);
      return token === undefined ? "unknown" : tokens.has(token) ? "allowed" : "forbidden";
    },
  };
}

/** What a command ends with that is not to succeed: exit code, and its last line. */
async function failed(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stderr } = await runHere(args, { env });
  return { code, last: stderr.trim().split("\n").at(-1)!, stderr };
}

/** Each command that asks a relay for something. */
function askingOf(relay: { readonly address: string; readonly socket: string }): string[][] {
  return [
    ["list", relay.address],
    ["fps", relay.address],
    ["kick", relay.address],
    ["watch", relay.socket, "-o", "-"],
    ["publish", relay.socket, "--test-pattern"],
    ["bench", relay.socket, "--viewers-only", "--duration", "100ms", "--viewers", "1"],
  ];
}

Deno.test("All clients speak TLS, to whom --ca says", async () => {
  await using files = await CertificateFolder.make();
  await using relay = await relayWith({ tls: files });
  const ca = ["--ca", files.certFile];
  const folder = await Deno.makeTempDir({ dir: files.folder });
  await using publisher = start(["publish", `${relay.socket}/cam`, "--test-pattern", ...ca]);
  const watched = await run(
    ["watch", `${relay.address}/cam`, "--count", "2", "-o", `${folder}/%d.png`, ...ca],
  );
  assertEquals(watched.code, 0, watched.stderr);
  assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 2);
  const listed = await runHere(["list", `${relay.address}/cam`, "--viewers", ...ca]);
  assertEquals(listed.code, 0, listed.stderr);
  assertMatch(new TextDecoder().decode(listed.stdout), /^cam +png/m);
  const fps = await runHere(["fps", `${relay.socket}/cam`, "5"], {
    env: { STREAM_CA: files.certFile },
  });
  assertEquals([fps.code, new TextDecoder().decode(fps.stdout)], [0, "5\n"], fps.stderr);
  publisher.kill("SIGTERM");
  assertEquals((await publisher.outcome).code, 0);
  for (const bare of [[], ["--bare"]]) {
    const bench = await run(
      ["bench", `${relay.socket}/load`, "--viewers", "3", "--duration", "300ms", ...bare, ...ca],
    );
    assertEquals(bench.code, 0, bench.stderr);
    assertStringIncludes(
      new TextDecoder().decode(bench.stdout),
      "viewers         3, of which 0 slow, 0 stalled, 0 failed",
    );
  }
});

Deno.test("A lossless publisher loses nothing where deno takes up another certificate", async () => {
  const [one, other] = [await certificate(), await certificate()];
  await using files = await CertificateFolder.make(one);
  await using relay = await relayWith({ tls: files, listener: "deno" });
  const both = `${files.folder}/both.pem`;
  await Deno.writeTextFile(both, one.cert + other.cert);
  const url = `${relay.socket}/cam`;
  await using watcher = start(["watch", url, "-o", "-", "--follow", "--ca", both]);
  await watcher.said(/waiting for/);
  await using publisher = start(["publish", url, "--frame-size", "4", "--ca", both], {
    stdin: "piped",
  });
  const frames = Array.from({ length: 60 }, (_, n) => Uint8Array.of(n, n, n, n));
  for (const frame of frames.slice(0, 30)) await publisher.write(frame);
  await eventually("the publisher", async () => {
    const { text } = await get(`${relay.address}/api/streams/cam`, one.cert);
    return JSON.parse(text).received?.frames > 0;
  });
  await files.put(other);
  await publisher.said(/trying again/);
  for (const frame of frames.slice(30)) await publisher.write(frame);
  await publisher.endInput();
  const { code, stderr } = await publisher.outcome;
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /published 60 frames.*, 0 dropped/);
});

for (
  const [what, options, words] of [
    ["signed by nobody known", {}, /its certificate is signed by itself, which is not known here/],
    [
      "expired",
      { fromMs: Date.now() - 9 * DAY_MS, untilMs: Date.now() - DAY_MS },
      /its certificate has expired \(\d{4}-\d\d-\d\d\)$/,
    ],
    [
      "not valid yet",
      { fromMs: Date.now() + DAY_MS, untilMs: Date.now() + 9 * DAY_MS },
      /its certificate is not valid before \d{4}-\d\d-\d\d; check the clocks of both$/,
    ],
    [
      "for another name",
      { names: ["other.example"] },
      /its certificate is for other\.example, not for 127\.0\.0\.1$/,
    ],
  ] as const
) {
  Deno.test(`Clients say that a certificate is ${what}`, async () => {
    await using files = await CertificateFolder.make(await certificate(options));
    await using relay = await relayWith({ tls: files });
    // Whatever is wrong beside its issuer counts also where that is trusted.
    const ca = what.startsWith("signed") ? [] : ["--ca", files.certFile];
    for (const args of askingOf(relay)) {
      const { code, last } = await failed([...args, ...ca]);
      assertEquals(code, 3, `${args[0]}: ${last}`);
      assertMatch(last, words, args[0]);
    }
  });
}

Deno.test("Clients say where one side speaks TLS and the other does not", async () => {
  await using files = await CertificateFolder.make();
  await using secure = await relayWith({ tls: files });
  await using plain = await relayWith({});
  for (const command of [["list"], ["watch", "-o", "-"]]) {
    const toPlain = await failed([...command, plain.socket.replace("ws:", "wss:")]);
    assertEquals(toPlain.code, 3);
    assertStringIncludes(toPlain.last, "the server does not speak TLS there");
    const toSecure = await failed([...command, secure.socket.replace("wss:", "ws:")]);
    assertEquals(toSecure.code, 3);
    assertStringIncludes(toSecure.last, "where it speaks TLS, the address begins with wss://");
  }
});

Deno.test("--ca says what is wrong with its file", async () => {
  await using files = await CertificateFolder.make();
  for (
    const [file, words] of [
      ["/none.pem", "cannot read --ca /none.pem: there is no such file"],
      [files.keyFile, `there is no certificate in the form of PEM in --ca ${files.keyFile}`],
    ] as const
  ) {
    const { code, last } = await failed(["list", "wss://127.0.0.1:1", "--ca", file]);
    assertEquals(code, 2);
    assertStringIncludes(last, words);
  }
});

Deno.test("Clients send their token as Authorization, from wherever they have it", async () => {
  const seen: (string | undefined)[] = [];
  await using relay = await relayWith({}, onlyWith(new Set(["s3cret", "user:p@ss"]), seen));
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "s3cret\n");
  try {
    for (
      const [args, env] of [
        [["--token", "s3cret"], {}],
        [["--token", `@${file}`], {}],
        [[], { STREAM_TOKEN: "s3cret" }],
      ] as const
    ) {
      const { code, stderr } = await runHere(["list", relay.address, ...args], { env });
      assertEquals(code, 0, stderr);
    }
    const inAddress = await runHere(["list", `${relay.address}/?token=s3cret`]);
    assertEquals(inAddress.code, 0, inAddress.stderr);
    assert(seen.length > 0 && seen.every((token) => token === "s3cret"));
    const url = `${relay.socket}/cam`;
    await using publisher = start(["publish", url, "--test-pattern"], {
      env: { STREAM_TOKEN: "s3cret" },
    });
    const watched = await run(["watch", url, "-o", "-", "--count", "1", "--token", `@${file}`]);
    assertEquals(watched.code, 0, watched.stderr);
    publisher.kill("SIGTERM");
    assertEquals((await publisher.outcome).code, 0);
    const bench = await run(
      [
        "bench",
        `${relay.socket}/load`,
        "--viewers",
        "2",
        "--duration",
        "100ms",
        "--token",
        "s3cret",
      ],
    );
    assertEquals(bench.code, 0, bench.stderr);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("Clients send a user and a password as Basic, and show neither", async () => {
  const headers: (string | null)[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      headers.push(request.headers.get("authorization"));
      return new Response("Cannot do this: you are not on the list\n", { status: 401 });
    },
  );
  const place = `127.0.0.1:${server.addr.port}`;
  for (
    const args of [
      ["list", `http://us%C3%A9r:p%40ss@${place}`],
      ["watch", `ws://us%C3%A9r:p%40ss@${place}/cam`, "-o", "-"],
      ["publish", `ws://us%C3%A9r:p%40ss@${place}/cam`, "--test-pattern"],
    ]
  ) {
    const { code, stderr, last } = await failed(args);
    assertEquals(code, 4, stderr);
    assertMatch(last, /the server refuses access \(HTTP 401\): you are not on the list$/);
    assert(!/p@ss|p%40ss|us.r/.test(stderr.replace("user agent", "")), stderr);
  }
  const wanted = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode("usér:p@ss")))}`;
  assertEquals(headers, [wanted, wanted, wanted]);
});

Deno.test("Clients that are refused exit with 4, and pass on what the relay said", async () => {
  await using relay = await relayWith({}, onlyWith(new Set()));
  for (const args of askingOf(relay)) {
    const without = await failed(args);
    assertEquals(without.code, 4, without.stderr);
    assertMatch(without.last, /the server refuses access \(HTTP 401\)/);
    if (args[0] !== "bench") assertMatch(without.last, /needs credentials, and none/);
    const wrong = await failed([...args, "--token", "hunter2"]);
    assertEquals(wrong.code, 4, wrong.stderr);
    assertMatch(wrong.last, /the server refuses access \(HTTP 403\)/);
    assert(!wrong.stderr.includes("hunter2"));
  }
});

Deno.test("Clients repeat little of what a server says of a refusal, and nothing that steers a terminal", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(`\x1b[2J${"no ".repeat(100_000)}`, { status: 403 }),
  );
  const place = `127.0.0.1:${server.addr.port}`;
  for (const args of [["list", `http://${place}`], ["watch", `ws://${place}`, "-o", "-"]]) {
    const { code, stderr } = await failed(args);
    assertEquals(code, 4);
    assert(stderr.length < 1000 && !stderr.includes("\x1b"), stderr);
  }
});

Deno.test("Clients read a token from a file as other systems write it", async () => {
  await using relay = await relayWith({}, onlyWith(new Set(["s3c/ret=="])));
  const file = await Deno.makeTempFile();
  try {
    for (const text of ["s3c/ret==", "s3c/ret==\r\n", "\ufeffs3c/ret==\r\n", " s3c/ret== \n\n"]) {
      await Deno.writeTextFile(file, text);
      const { code, stderr } = await runHere(["list", relay.address, "--token", `@${file}`]);
      assertEquals(code, 0, stderr);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("Clients say in a sentence why a token is none, and show nothing of it", async () => {
  const file = await Deno.makeTempFile();
  const isNone = "--token is not a token, or @ and a file that has one";
  try {
    for (
      const [token, text, words] of [
        ["", "", "--token needs a value: a token, or @ and a file that has one"],
        ["@", "", isNone],
        ["s3cr\u00e9t", "", isNone],
        ["s3c\nret", "", isNone],
        ["s3cret".repeat(2000), "", isNone],
        [`@${file}`, "", `there is no token in the file of --token @${file}`],
        [`@${file}`, "\r\n", `there is no token in the file of --token @${file}`],
        [`@${file}`, "s3cr\u00e9t", `there is no token in the file of --token @${file}`],
        [`@${file}`, "s3c\nret", `there is no token in the file of --token @${file}`],
        [`@${file}`, "s3cret".repeat(1_000_000), `cannot read --token @${file}: it is too large`],
      ] as const
    ) {
      await Deno.writeTextFile(file, text);
      for (const command of ["list", "watch"]) {
        const { code, stderr } = await failed([command, "ws://127.0.0.1:1/cam", "--token", token]);
        assertEquals(code, 2, stderr);
        assertStringIncludes(stderr, words);
        assertEquals(/s3c/.test(stderr) || stderr.trim().includes("\n"), false, stderr);
      }
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("A token that is none is not repeated", async () => {
  const { code, stderr } = await failed(["list", "--token", "sec ret"]);
  assertEquals(code, 2);
  assert(!stderr.includes("sec ret"), stderr);
  assertStringIncludes(stderr, "--token is not a token, or @ and a file that has one");
});

for (
  const [command, ...options] of [["publish", "--test-pattern"], ["watch", "-o", "-"]] as const
) {
  Deno.test(`${command} reads its token again where the relay ends with 4008 or 401, and goes on`, async () => {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/token`;
    const seen: (string | null)[] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        seen.push(request.headers.get("authorization"));
        // The next one is there before this one is refused; the last one stays.
        const next = ["kEy2", "kEy3", "kEy3"][seen.length - 1]!;
        Deno.writeTextFileSync(file, `${next}\n`);
        if (seen.length === 2) return new Response("the token has expired", { status: 401 });
        const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "stream.v1" });
        socket.onmessage = () => socket.close(4008, "the token has expired");
        return response;
      },
    );
    await Deno.writeTextFile(file, "kEy1");
    try {
      const url = `ws://127.0.0.1:${server.addr.port}/cam`;
      await using client = start([command, url, ...options, "--token", `@${file}`]);
      const { code, stderr } = await client.outcome;
      assertEquals(seen, ["Bearer kEy1", "Bearer kEy2", "Bearer kEy3"], stderr);
      assertEquals(code, 4);
      assertMatch(stderr.trim().split("\n").at(-1)!, /: the token has expired$/);
      assert(!/kEy\d/.test(stderr), stderr);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

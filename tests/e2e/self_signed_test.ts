/** `serve --tls self-signed`, to those who are given its certificate. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { has, needs } from "../ffmpeg.ts";
import { run, start } from "../program.ts";
import { eventually } from "../waiting.ts";
import { outputOf } from "./output_of.ts";
import { serveIn } from "./self_signed.ts";

const NO_OPENSSL = await has("openssl", "version") ? undefined : "openssl is not installed";
const NO_CURL = await has("curl", "--version") ? undefined : "curl is not installed";
const NO_PYTHON = await has("python3", "-c", "import ssl")
  ? undefined
  : "Python with ssl is not installed";

Deno.test("all commands trust the certificate that serve makes, and nobody who lacks it does", async () => {
  await using folder = await makeFolder();
  await using relay = await serveIn(folder, "--fps", "100");
  const { port, certFile } = relay;
  const url = `wss://127.0.0.1:${port}/cam`;
  const to = (command: string, ...args: string[]) => [command, url, "--ca", certFile, ...args];
  await using publish = start(to("publish", "--test-pattern", "64x48"));
  const watch = await run(to("watch", "--count", "3", "-o", `${folder.path}/%d.png`));
  assertEquals(watch.code, 0, watch.stderr);
  assert((await folder.names()).includes("3.png"));
  const list = await run(["list", `https://localhost:${port}`, "--ca", certFile]);
  assertEquals(list.code, 0, list.stderr);
  assertStringIncludes(new TextDecoder().decode(list.stdout), "cam");
  const fps = await run(to("fps", "50"));
  assertEquals(fps.code, 0, fps.stderr);
  const bench = await run(to("bench", "--viewers", "2", "--viewers-only", "--duration", "1s"));
  assertEquals(bench.code, 0, bench.stderr);
  publish.kill("SIGTERM");
  assertEquals((await publish.outcome).code, 0);
  const stranger = await run(["list", `https://127.0.0.1:${port}`]);
  assertEquals(stranger.code, 3, stranger.stderr);
});

Deno.test(needs(NO_CURL, "curl takes the certificate by name and by all addresses"), async () => {
  await using folder = await makeFolder();
  await using relay = await serveIn(folder, "--host", "::", "--open", "--host-name", "cams.lan");
  const { port, certFile } = relay;
  const hosts = ["localhost", "cams.lan", "127.0.0.1", "[::1]"].concat(
    Deno.networkInterfaces().filter(({ family }) => family === "IPv4").map(({ address }) =>
      address
    ),
  );
  for (const host of hosts) {
    const { code, stdout, stderr } = await outputOf("curl", [
      "-sS",
      ...["--cacert", certFile, "--noproxy", "*"],
      ...["--resolve", `cams.lan:${port}:127.0.0.1`],
      `https://${host}:${port}/health`,
    ]);
    assertEquals([host, code, stderr], [host, 0, ""]);
    assertStringIncludes(stdout, "ok");
  }
});

Deno.test(
  needs(NO_OPENSSL, "openssl finds the certificate right, by its strictest rules"),
  async () => {
    await using folder = await makeFolder();
    await using relay = await serveIn(folder);
    const { port, certFile, fingerprint } = relay;
    const shown = await outputOf("openssl", [
      "x509",
      ...["-in", certFile, "-noout", "-fingerprint", "-sha256", "-ext", "extendedKeyUsage"],
    ]);
    assertStringIncludes(shown.stdout, fingerprint);
    assertStringIncludes(shown.stdout, "TLS Web Server Authentication");
    const shaken = await outputOf("openssl", [
      "s_client",
      ...["-connect", `127.0.0.1:${port}`, "-CAfile", certFile, "-verify_ip", "127.0.0.1"],
      ...["-verify_return_error", "-x509_strict"],
    ], "GET /health HTTP/1.0\r\n\r\n");
    assertEquals(shaken.code, 0, shaken.stderr);
    assertStringIncludes(shaken.stdout, "Verify return code: 0 (ok)");
  },
);

const PYTHON = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.verify_flags |= ssl.VERIFY_X509_STRICT
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(context.wrap_socket(s, server_hostname="localhost").version())
`;

Deno.test(needs(NO_PYTHON, "Python takes the certificate, by its strictest rules"), async () => {
  await using folder = await makeFolder();
  await using relay = await serveIn(folder);
  const { port, certFile } = relay;
  const { stdout, stderr } = await outputOf("python3", ["-c", PYTHON, port, certFile]);
  assertEquals([stdout, stderr], ["TLSv1.3\n", ""]);
});

Deno.test("the next start has the same certificate, and other names have another one beside it", async () => {
  await using folder = await makeFolder();
  const first = await serveIn(folder);
  assertMatch(first.relay.stderr, /made a certificate for .*localhost.*: there was none\n/);
  first.relay.kill("SIGTERM");
  assertEquals((await first.relay.outcome).code, 0);
  await using second = await serveIn(folder, "--listener", "deno");
  assertEquals(second.fingerprint, first.fingerprint);
  assertEquals(second.certFile, first.certFile);
  assert(!second.relay.stderr.includes("made a certificate"));
  await using named = await serveIn(folder, "--host-name", "cams.lan");
  assert(named.certFile !== first.certFile);
  await using third = await serveIn(folder);
  assertEquals(third.fingerprint, first.fingerprint);
});

Deno.test("a relay that runs takes up the certificate that the next one has to make", async () => {
  await using folder = await makeFolder();
  await using first = await serveIn(folder);
  await Deno.remove(first.certFile.replace(/cert\.pem$/, "key-and-cert.pem"));
  await using second = await serveIn(folder);
  assert(second.fingerprint !== first.fingerprint);
  await first.relay.said(/took up the certificate that is now in \S+key-and-cert\.pem\n/);
  await eventually("both to have it", async () => {
    const list = await run(["list", `https://127.0.0.1:${first.port}`, "--ca", second.certFile]);
    return list.code === 0;
  });
});

Deno.test("two relays that start at once have one certificate", async () => {
  await using folder = await makeFolder();
  const both = await Promise.all([serveIn(folder), serveIn(folder)]);
  try {
    assertEquals(both[0].fingerprint, both[1].fingerprint);
    const made = both.filter(({ relay }) => relay.stderr.includes("made a certificate"));
    assertEquals(made.length, 1);
    for (const { port, certFile } of both) {
      const list = await run(["list", `https://127.0.0.1:${port}`, "--ca", certFile]);
      assertEquals(list.code, 0, list.stderr);
    }
  } finally {
    for (const relay of both) await relay[Symbol.asyncDispose]();
  }
});

Deno.test("serve ends with 2 and a sentence where it cannot keep a certificate", async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const self = ["serve", "--port", "0", "--tls", "self-signed"];
  const below = await run(self, { env: { XDG_STATE_HOME: `${folder.path}/file` } });
  assertEquals(below.code, 2);
  assertMatch(
    below.stderr,
    /^error: Cannot keep a certificate in \S+\/file\/stream\/self-signed\/\S+: part of the path is a file, not a folder; name a folder that can be written by XDG_STATE_HOME, or give --tls-cert and --tls-key\n$/,
  );
  const homeless = await run(self, { env: { XDG_STATE_HOME: "", HOME: "" } });
  assertEquals([homeless.code, homeless.stderr], [
    2,
    "error: Cannot keep a certificate: neither XDG_STATE_HOME nor HOME names a folder for it; set " +
    "XDG_STATE_HOME to a folder that stays, or give --tls-cert and --tls-key\n",
  ]);
});

Deno.test("serve takes one certificate, and no other word than self-signed", async () => {
  const two = await run(["serve", "--tls", "self-signed", "--tls-cert", "a", "--tls-key", "b"]);
  assertEquals([two.code, two.stderr.split(";")[0]], [
    2,
    'error: Cannot run "stream serve": --tls and --tls-cert exclude each other',
  ]);
  const word = await run(["serve", "--tls", "acme"]);
  assertEquals([word.code, word.stderr.split(";")[0]], [
    2,
    'error: Cannot run "stream serve": --tls acme is not "self-signed"',
  ]);
});

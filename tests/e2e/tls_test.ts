/** The program by TLS, to those who know nothing of it. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { has, needs } from "../ffmpeg.ts";
import { run, type Running, start } from "../program.ts";
import { certificate, CertificateFolder, get } from "../server/tls.ts";
import { eventually } from "../waiting.ts";
import { outputOf } from "./output_of.ts";

const NO_OPENSSL = await has("openssl", "version") ? undefined : "openssl is not installed";
const NO_CURL = await has("curl", "--version") ? undefined : "curl is not installed";
const NO_PYTHON = await has("python3", "-c", "import ssl")
  ? undefined
  : "Python with ssl is not installed";

/** Runs `stream serve` with a certificate, and waits until it listens. */
async function serveWith(
  { certFile, keyFile }: CertificateFolder,
): Promise<{ readonly relay: Running; readonly port: string }> {
  const relay = start(["serve", "--port", "0", "--tls-cert", certFile, "--tls-key", keyFile]);
  const [, port] = await relay.said(/listening on https:\/\/127\.0\.0\.1:(\d+) /);
  return { relay, port: port! };
}

Deno.test(
  needs(NO_OPENSSL, "openssl shakes hands by TLS 1.2 and 1.3, and by nothing older"),
  async () => {
    await using files = await CertificateFolder.make();
    const { relay, port } = await serveWith(files);
    await using _relay = relay;
    const shakeHands = (...args: string[]) =>
      outputOf("openssl", [
        "s_client",
        "-connect",
        `127.0.0.1:${port}`,
        "-CAfile",
        files.certFile,
        "-verify_ip",
        "127.0.0.1",
        "-verify_return_error",
        ...args,
      ], "GET /health HTTP/1.0\r\n\r\n");
    for (const version of ["1.2", "1.3"]) {
      const { code, stdout } = await shakeHands(`-tls${version.replace(".", "_")}`);
      assertEquals(code, 0, stdout);
      assertMatch(stdout, new RegExp(`Protocol *: TLSv${version}|New, TLSv${version}`));
      assertStringIncludes(stdout, "Verify return code: 0 (ok)");
    }
    const { code } = await shakeHands("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0");
    assert(code !== 0);
  },
);

Deno.test(needs(NO_CURL, "curl gets pages and numbers by HTTPS"), async () => {
  await using files = await CertificateFolder.make();
  const { relay, port } = await serveWith(files);
  await using _relay = relay;
  const { code, stdout, stderr } = await outputOf("curl", [
    "-sS",
    "--cacert",
    files.certFile,
    `https://127.0.0.1:${port}/`,
  ]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, `stream publish --test-pattern wss://127.0.0.1:${port}/live`);
});

const PYTHON = `
import base64, os, socket, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
s = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
key = base64.b64encode(os.urandom(16)).decode()
s.sendall((f"GET /cam HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\nUpgrade: websocket\\r\\n"
  f"Connection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: {key}\\r\\n\\r\\n").encode())
head = b""
while not head.endswith(b"\\r\\n\\r\\n"): head += s.recv(1)
assert b" 101 " in head, head
s.sendall(b"\\x82\\x85\\0\\0\\0\\0hello")
got = b""
while len(got) < 7: got += s.recv(7 - len(got))
assert got == b"\\x82\\x05hello", got
print(s.version())
`;

Deno.test(needs(NO_PYTHON, "Python sends a frame by TLS, and gets it back"), async () => {
  await using files = await CertificateFolder.make();
  const { relay, port } = await serveWith(files);
  await using _relay = relay;
  const { code, stdout, stderr } = await outputOf("python3", ["-c", PYTHON, port, files.certFile]);
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "TLSv1.3\n");
});

Deno.test("serve takes up another certificate with the rights that are left", async () => {
  await using files = await CertificateFolder.make();
  const { relay, port } = await serveWith(files);
  await using _relay = relay;
  const other = await certificate();
  await files.put(other);
  await relay.said(/took up the certificate that is now in /);
  await eventually(
    "the other certificate",
    () => get(`https://127.0.0.1:${port}/health`, other.cert).then(() => true, () => false),
  );
  relay.kill("SIGTERM");
  assertEquals((await relay.outcome).code, 0);
});

Deno.test("serve ends with 2 and a sentence where it has no certificate that it could use", async () => {
  await using files = await CertificateFolder.make();
  const half = await run(["serve", "--tls-cert", files.certFile]);
  assertEquals([half.code, half.stderr.split(";")[0]], [
    2,
    'error: Cannot run "stream serve": --tls-cert needs --tls-key',
  ]);
  const none = await run(["serve", "--tls-cert", "/none.pem", "--tls-key", files.keyFile]);
  assertEquals([none.code, none.stderr], [
    2,
    "error: Cannot use /none.pem for TLS: there is no such file\n",
  ]);
});

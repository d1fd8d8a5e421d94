/** A relay that speaks TLS. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { systemClock } from "../../src/host/clock.ts";
import { type Certificate, readCertificate } from "../../src/listen/certificate.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import { openClientSocket } from "../../src/net/client_socket.ts";
import { type Relay, serve, type ServeOptions } from "../../src/server/serve.ts";
import { eventually, soon } from "../waiting.ts";
import { DEFAULTS, frameOf, numberOf } from "./fixture.ts";
import { certificate, CertificateFolder, get, shakeHands } from "./tls.ts";

/** A relay that keeps what it logs. */
async function secureRelay(
  tls: CertificateFolder,
  options: Partial<ServeOptions> = {},
): Promise<Relay & { readonly said: readonly string[]; readonly port: number }> {
  const said: string[] = [];
  const log = (message: string) => void said.push(message);
  const relay = await serve({ ...DEFAULTS, tls, ...options }, {
    clock: systemClock,
    log: { info: log, warn: log, error: log, progress: () => {} },
    signal: new AbortController().signal,
  });
  return { ...relay, said, port: Number(new URL(relay.address).port) };
}

/** A bare WebSocket by TLS. */
function socketTo(relay: Relay, path: string, ca: string) {
  const url = `${relay.address.replace("https:", "wss:")}${path}`;
  const socket = openClientSocket(url, [], { ca: [ca] });
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const frames: Uint8Array<ArrayBuffer>[] = [];
  socket.onopen = () => opened.resolve();
  socket.onerror = (event) => opened.reject(new Error((event as ErrorEvent).message));
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") frames.push(new Uint8Array(data));
  };
  socket.onclose = ({ code }) => closed.resolve(code);
  return {
    frames,
    opened: soon("an open socket", opened.promise),
    closed: closed.promise,
    send: (frame: Uint8Array<ArrayBuffer>) => socket.send(frame),
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await soon("the end of the socket", closed.promise);
    },
  };
}

async function metric(relay: Relay, ca: string, line: string): Promise<boolean> {
  return (await get(`${relay.address}/metrics`, ca)).text.includes(line);
}

for (const listener of ["node", "deno"] as const) {
  for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
    Deno.test(`By TLS, ${listener} relays frames whole, and names addresses by their scheme (${workers} thread)`, async () => {
      await using files = await CertificateFolder.make();
      const { cert } = await readCertificate(files);
      await using relay = await secureRelay(files, { listener, workers });
      assert(relay.address.startsWith("https://127.0.0.1:"), relay.address);
      assertEquals((await get(`${relay.address}/health`, cert)).status, 200);
      await using viewer = socketTo(relay, "/cam?role=watch", cert);
      await using publisher = socketTo(relay, "/cam?role=publish", cert);
      await Promise.all([viewer.opened, publisher.opened]);
      for (let number = 0; number < 20; number++) {
        const frame = frameOf(number, 300_000).fill(number, 4);
        publisher.send(frame);
        await eventually("the frame", () => viewer.frames.length > number);
      }
      for (const [number, frame] of viewer.frames.entries()) {
        assertEquals([numberOf(frame), frame.length], [number, 300_000]);
        assert(frame.subarray(4).every((byte) => byte === number), `frame ${number} is whole`);
      }
      const { text } = await get(`${relay.address}/other`, cert);
      const { host } = new URL(relay.address);
      assertStringIncludes(text, `wss://${host}/other`);
    });
  }

  Deno.test(`By TLS, ${listener} takes up another certificate while it runs`, async () => {
    const [one, other] = [await certificate(), await certificate()];
    await using files = await CertificateFolder.make(one);
    await using relay = await secureRelay(files, { listener });
    await using viewer = socketTo(relay, "/cam?role=watch", one.cert);
    await viewer.opened;
    await files.put(other);
    await eventually(
      "the other certificate",
      () => get(`${relay.address}/health`, other.cert).then(() => true, () => false),
    );
    assert(relay.said.some((line) => /took up the certificate/.test(line)));
    await assertRejects(() => get(`${relay.address}/health`, one.cert));
    if (listener === "deno") {
      assertEquals(await soon("the end", viewer.closed), 1001);
      return;
    }
    // Those who are connected stay so, and get what comes.
    await using publisher = socketTo(relay, "/cam?role=publish", other.cert);
    await publisher.opened;
    publisher.send(frameOf(7));
    await eventually("the frame", () => viewer.frames.length === 1);
    assertEquals(numberOf(viewer.frames[0]!), 7);
  });
}

Deno.test("By TLS, threads take up another certificate without losing anybody", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const [one, other] = [await certificate(), await certificate()];
  await using files = await CertificateFolder.make(one);
  await using relay = await secureRelay(files, { listener: "node", workers: 2 });
  await using viewer = socketTo(relay, "/cam?role=watch", one.cert);
  await viewer.opened;
  await files.put(other);
  let inARow = 0;
  await eventually("the other certificate in both threads", async () => {
    const isNew = await get(`${relay.address}/health`, other.cert).then(() => true, () => false);
    inARow = isNew ? inARow + 1 : 0;
    return inARow === 20;
  });
  await using publisher = socketTo(relay, "/cam?role=publish", other.cert);
  await publisher.opened;
  publisher.send(frameOf(7));
  await eventually("the frame", () => viewer.frames.length === 1);
});

Deno.test("A certificate that cannot be used is not taken up, and told of once", async () => {
  const one = await certificate();
  await using files = await CertificateFolder.make(one);
  await using relay = await secureRelay(files);
  await files.put({ cert: (await certificate()).cert, key: one.key });
  await eventually(
    "the warning",
    () => relay.said.some((line) => /does not belong .* stays in use/.test(line)),
  );
  assertEquals((await get(`${relay.address}/health`, one.cert)).status, 200);
  assertEquals(relay.said.filter((line) => /stays in use/.test(line)).length, 1);
});

Deno.test("By TLS, a handshake must be there in time, and so must a header", async () => {
  await using files = await CertificateFolder.make();
  const { cert } = await readCertificate(files);
  await using relay = await secureRelay(files, {
    listener: "node",
    workers: 1,
    limits: { ...DEFAULT_LISTEN_LIMITS, headerTimeoutMs: 500 },
  });
  using silent = await Deno.connect({ port: relay.port });
  assertEquals(await soon("the end", silent.read(new Uint8Array(1)).catch(() => null)), null);
  await eventually(
    "it is counted",
    () => metric(relay, cert, '\nstream_refused_total{reason="slow"} 1\n'),
  );
  const slow = await shakeHands(relay.port, cert);
  const said = Promise.withResolvers<string>();
  slow.on("data", (data: Uint8Array) => said.resolve(new TextDecoder().decode(data)));
  slow.write("GET / HTTP/1.1\r\nHost: ");
  assertStringIncludes(await soon("the answer", said.promise), "408 Request Timeout");
  slow.destroy();
});

Deno.test("By TLS, connections are counted before they shake hands", async () => {
  await using files = await CertificateFolder.make();
  const { cert } = await readCertificate(files);
  await using relay = await secureRelay(files, {
    listener: "node",
    workers: 1,
    limits: { ...DEFAULT_LISTEN_LIMITS, maxConnections: 2 },
  });
  const first = await Deno.connect({ port: relay.port });
  using _second = await Deno.connect({ port: relay.port });
  await eventually(
    "a third one is refused",
    () => get(`${relay.address}/health`, cert).then(() => false, () => true),
  );
  first.close();
  await eventually(
    "there is room again",
    () => get(`${relay.address}/health`, cert).then(() => true, () => false),
  );
});

Deno.test("By TLS, whoever speaks plain HTTP is broken off", async () => {
  await using files = await CertificateFolder.make();
  await using relay = await secureRelay(files, { listener: "node" });
  using plain = await Deno.connect({ port: relay.port });
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  const bytes = new Uint8Array(64);
  let count: number | null = 0;
  let text = "";
  do {
    count = await soon("the end", plain.read(bytes).catch(() => null));
    text += new TextDecoder().decode(bytes.subarray(0, count ?? 0));
  } while (count !== null);
  assert(!text.includes("HTTP"), text);
});

Deno.test("Each file that is of no use for TLS has its sentence", async () => {
  const good = await certificate();
  await using files = await CertificateFolder.make(good);
  const { certFile, keyFile } = files;
  const sentence = async (change: Partial<Certificate>) => {
    await files.put({ ...good, ...change });
    return (await assertRejects(() => readCertificate(files), StreamError)).message;
  };
  assertEquals(
    await sentence({ cert: "hello" }),
    `Cannot use ${certFile} for TLS: the certificate is not there in the form of PEM`,
  );
  assertEquals(
    await sentence({ cert: good.cert.replace(/\n[^-]/, "\n!") }),
    `Cannot use ${certFile} for TLS: the certificate cannot be read`,
  );
  assertEquals(
    await sentence({ key: good.cert }),
    `Cannot use ${keyFile} for TLS: the key is not there in the form of PEM`,
  );
  assertEquals(
    await sentence({ key: good.key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") }),
    `Cannot use ${keyFile} for TLS: the key has a password; take it off with "openssl pkey"`,
  );
  assertEquals(
    await sentence({ key: (await certificate()).key }),
    `Cannot use ${keyFile} for TLS: the key does not belong to the certificate in ${certFile}`,
  );
  const lost = { certFile: `${files.folder}/none.pem`, keyFile };
  const { message, code } = await assertRejects(() => readCertificate(lost), StreamError);
  assertEquals(message, `Cannot use ${lost.certFile} for TLS: there is no such file`);
  assertEquals(code, "usage");
});

for (
  const [what, days, words] of [
    ["has expired", [-10, -1], /has expired \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\): clients will/],
    ["is not valid yet", [1, 10], /is not valid before \d{4}-.*: clients will refuse it/],
  ] as const
) {
  Deno.test(`A certificate that ${what} is warned of`, async () => {
    const [fromMs, untilMs] = days.map((day) => Date.now() + day * 86_400_000) as [number, number];
    await using files = await CertificateFolder.make(await certificate({ fromMs, untilMs }));
    await using relay = await secureRelay(files);
    assert(relay.said.some((line) => words.test(line)), relay.said.join("\n"));
  });
}

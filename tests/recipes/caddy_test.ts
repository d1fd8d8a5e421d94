/** The recipe of docs/security.md for the internet, with a real Caddy. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { request } from "node:https";
import { has, needs } from "../ffmpeg.ts";
import { type Running, start } from "../program.ts";
import { get } from "../server/tls.ts";
import { eventually, soon } from "../waiting.ts";
import { blocks, Desk, withOthers } from "./desk.ts";

const HEADING = "The internet, behind Caddy";
const NAME = "video.example.org";
const NO_CADDY = await has("caddy", "version") ? undefined : "Caddy is not installed";

/** A Caddy that signs its certificate itself, on a port that anybody may listen on. */
interface Caddy extends AsyncDisposable {
  readonly process: Running;
  readonly port: number;
  /** The certificate that its clients have to trust. */
  readonly ca: string;
}

async function startCaddy(desk: Desk, relayPort: string): Promise<Caddy> {
  const [port, plainPort] = [freePort(), freePort()];
  const options = [
    "admin off",
    "skip_install_trust",
    `http_port ${plainPort}`,
    `https_port ${port}`,
    "servers {\nprotocols h1 h2\n}",
  ].join("\n");
  const [caddyfile] = blocks(HEADING, "caddyfile");
  await desk.write(
    "Caddyfile",
    withOthers(caddyfile!, {
      "{\n\tlog {": `{\n${options}\n\tlog {`,
      [`${NAME} {`]: `${NAME}, localhost {\ntls internal`,
      "127.0.0.1:8080": `127.0.0.1:${relayPort}`,
    }),
  );
  const process = start(["run", "--config", "Caddyfile", "--adapter", "caddyfile"], {
    program: ["caddy"],
    cwd: desk.folder,
    env: { HOME: desk.folder, XDG_DATA_HOME: desk.folder, XDG_CONFIG_HOME: desk.folder },
  });
  await process.said(/serving initial configuration/);
  const file = `${desk.folder}/caddy/pki/authorities/local/root.crt`;
  const ca = await eventually("the certificate", async () => {
    if (process.isOver) throw new Error(process.stderr);
    const found = await Deno.readTextFile(file).catch(() => undefined);
    if (found === undefined) return undefined;
    return await get(`https://localhost:${port}/health`, found).then(() => found, () => undefined);
  });
  desk.env.STREAM_CA = file;
  return { process, port, ca, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** The status of an answer by Caddy, to who asks for `name`, and comes from `from`. */
async function statusOf(
  { ca, port }: Caddy,
  path: string,
  { name = NAME, from, ...headers }: Record<string, string> & { name?: string; from?: string },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const asking = request({
    host: "127.0.0.1",
    port,
    path,
    ca: [ca],
    servername: name,
    agent: false,
    headers: { host: `${name}:${port}`, ...headers },
    ...(from === undefined ? {} : { localAddress: from }),
  }, (answer) => {
    answer.resume();
    answer.on("error", () => {});
    resolve(answer.statusCode!);
  });
  asking.on("upgrade", (_answer, socket) => {
    socket.destroy();
    resolve(101);
  });
  asking.on("error", reject);
  asking.end();
  return await soon(`an answer for ${path}`, promise);
}

const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

Deno.test(needs(NO_CADDY, "the recipe for the internet works behind a real Caddy"), async () => {
  await using desk = await Desk.make();
  await desk.done("stream token --new-key key.json; touch revoked.txt");
  await desk.done("stream token --key key.json --publish cam --expires 1h > camera.txt");
  await desk.done("stream token --key key.json --watch cam --expires 1s > brief.txt");
  const [serve, publish] = blocks(HEADING, "sh");
  await using relay = await desk.relay(serve!);
  await using caddy = await startCaddy(desk, relay.port);
  const site = `localhost:${caddy.port}`;
  const url = `wss://${site}/cam`;
  const token = await desk.read("camera.txt");
  const headers = { authorization: `Bearer ${token}` };
  await using _camera = desk.shell(withOthers(publish!, { [NAME]: site }));

  // Through it all: a frame for whoever has a token.
  assertEquals((await desk.watch(url, "--token", "@camera.txt"))[0], 0);
  const [code, said] = await desk.watch(url);
  assertEquals(code, 4);
  assertMatch(said, /needs a token, and none came$/);
  const late = await desk.stream("watch", url, "--output", "-", "--token", "@brief.txt");
  assertEquals(late.code, 4);
  assertMatch(late.stderr, /the token has expired\n$/);

  // An answer without an end comes as it is made, and the relay knows when its reader goes.
  const viewers = async () => {
    const { text } = await get(`https://${site}/api/streams/cam`, caddy.ca, headers);
    return JSON.parse(text).viewers as number;
  };
  const picture = await firstPicture(`https://${site}/cam.mjpeg?token=${token}`, caddy.ca);
  assertEquals(await viewers(), 1);
  picture.leave();
  await eventually("the viewer to be gone", async () => await viewers() === 0);

  // The name is the relay's own, and pages of it are, too; those of others are not.
  assertEquals(await statusOf(caddy, "/cam", { accept: "text/html" }), 200);
  const open = (origin: string) => statusOf(caddy, "/cam", { ...UPGRADE, ...headers, origin });
  assertEquals(await open(`https://${NAME}:${caddy.port}`), 101);
  assertEquals(await open("https://elsewhere.example"), 403);

  // Who asks is whom Caddy sees, whatever he says himself.
  const outside = Deno.networkInterfaces()
    .find(({ address, family }) => family === "IPv4" && !address.startsWith("127."))?.address;
  const from = outside ?? "127.0.0.2";
  const stranger = { from, "x-forwarded-for": "203.0.113.9", authorization: "Bearer x" };
  assertEquals(await statusOf(caddy, "/api/streams", stranger), 401);
  await relay.process.said(new RegExp(`refused watch of ${from}: the token is wrong`));
  // Wrong tokens of this machine's own addresses are not counted.
  if (outside !== undefined) {
    for (let wrong = 1; wrong < 30; wrong++) await statusOf(caddy, "/api/streams", stranger);
    assertEquals(await statusOf(caddy, "/api/streams", stranger), 429);
    assertEquals(await statusOf(caddy, "/api/streams", headers), 200);
  }

  // Neither log has a token, also where the relay is away.
  relay.process.kill("SIGTERM");
  await relay.process.outcome;
  const page = { ...UPGRADE, "sec-websocket-protocol": `stream.v1, bearer.${token}` };
  assertEquals(await statusOf(caddy, `/cam?token=${token}`, { ...page, ...headers }), 502);
  await caddy.process.said(/connection refused/);
  for (const each of [caddy.process, relay.process]) {
    assertStringIncludes(each.stderr, "cam");
    assert(!each.stderr.includes(token) && !each.stderr.includes("203.0.113.9"), each.stderr);
  }
});

/** Reads motion JPEG until a picture has come, and then no more; `leave` ends it. */
async function firstPicture(url: string, ca: string): Promise<{ leave(): void }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asking = request(url, { ca: [ca], agent: false }, (answer) => {
    let text = "";
    answer.on("data", (bytes: Uint8Array) => {
      text += new TextDecoder("latin1").decode(bytes);
      // The end of a JPEG picture (ITU-T T.81, table B.1).
      if (text.includes("\xff\xd9")) resolve();
    });
    answer.on("error", reject);
  });
  asking.on("error", reject);
  asking.end();
  await soon("a picture of motion JPEG", promise);
  return { leave: () => asking.destroy() };
}

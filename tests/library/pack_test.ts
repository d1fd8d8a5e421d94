/** The package for npm: packed, installed and used, by Node.js and in a page. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { serve } from "../../mod.ts";
import { Browser, NO_CHROMIUM } from "../browser/browser.ts";
import { Publishing } from "../browser/publishing.ts";

const ROOT = new URL("../../", import.meta.url);
const NODE = await nodeMajor();
/** Why tests with Node.js are skipped, or `undefined` where they run. */
const NO_NODE = NODE === undefined
  ? "Node.js with npm is not installed"
  : NODE < 20
  ? `Node.js ${NODE} is older than 20`
  : undefined;

/** What a program does with the package: it is published to, watched and asked. */
const PROGRAM = `
import { changeFps, findStream, listStreams, publish, StreamError, watch } from "@stream/relay/client";

const url = process.argv[2];
const out = publish(url, { format: "mjpeg" });
const cam = watch(url, { maxDelayMs: 60_000 });
const sending = (async () => {
  for (let n = 0; n < 20; n++) await out.send(new Uint8Array(50_000).fill(n), { ptsUs: n });
  await out.end();
})();
const seen = [];
const names = [];
for await (const { data, ptsUs, kind, config } of cam) {
  seen.push([ptsUs, data.length, data[0], data.at(-1), kind, config.format].join(" "));
  if (seen.length === 1) names.push(...(await listStreams(url)).map(({ name }) => name));
}
await sending;
const changed = await changeFps(url, 12);
const found = await findStream(url);
const failed = await watch("ws://127.0.0.1:1/none").next().catch((error) =>
  [error instanceof StreamError, error.code].join(" ")
);
console.log(JSON.stringify({
  seen,
  fps: [changed.fps, found.fps],
  names,
  failed,
  hasWebSocket: typeof WebSocket === "function",
}));
`;

/** The same within a page, which has no other package. */
const PAGE_SCRIPT = `
import { publish, watch } from "@stream/relay/client";
import { defineStreamPlayer } from "@stream/relay/player";

defineStreamPlayer();
globalThis.relayed = async (url) => {
  const out = publish(url, { format: "raw" });
  await out.send(Uint8Array.of(1, 2, 3));
  for await (const { data } of watch(url)) {
    await out.end();
    return [...data];
  }
};
`;

/** What has the types that a program in TypeScript is to be told. */
const TYPED = `
import { publish, type ReceivedFrame, watch } from "@stream/relay/client";
import type { StreamPlayerElement } from "@stream/relay/player";

export const first: ReceivedFrame | undefined = (await watch("localhost:1/x").next()).value;
export const format: "mjpeg" | undefined =
  first?.config.format === "mjpeg" ? first.config.format : undefined;
export const sent: Promise<void> = publish("localhost:1/x").send(new Uint8Array(1));
export const totalMs = (player: StreamPlayerElement): number | undefined =>
  player.stats()?.delay?.totalMs;
// @ts-expect-error: an address is a string.
publish(5);
// @ts-expect-error: there is no such format.
publish("localhost:1/x", { format: "gif" });
`;

interface Seen {
  readonly seen: readonly string[];
  readonly fps: readonly number[];
  readonly names: readonly string[];
  readonly failed: string;
  readonly hasWebSocket: boolean;
}

/** The output of a command that must succeed. */
async function outputOf(
  command: string,
  args: readonly string[],
  cwd: URL | string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, `${command} ${args.join(" ")}\n${text(stdout)}${text(stderr)}`);
  return text(stdout);
}

async function nodeMajor(): Promise<number | undefined> {
  try {
    await outputOf("npm", ["--version"], ROOT);
    const version = await outputOf("node", ["--version"], ROOT);
    return Number(/^v(\d+)/.exec(version)?.[1]);
  } catch {
    return undefined;
  }
}

/** A fresh project with the package in it, that is removed when it is disposed of. */
async function project(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await Deno.makeTempDir({ prefix: "stream-library-" });
  const pack = ["pack", "--config", "deno.npm.json", "--allow-dirty", "--output"];
  await outputOf(Deno.execPath(), [...pack, `${folder}/relay.tgz`], ROOT);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module", "private": true }');
  const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", "./relay.tgz"];
  await outputOf("npm", install, folder);
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test({
  name: `the package works in a fresh project of Node.js ${NO_NODE ?? ""}`.trim(),
  ignore: NO_NODE !== undefined,
  async fn() {
    await using relay = await serve({ port: 0, fps: "source" });
    await using fresh = await project();
    await Deno.writeTextFile(`${fresh.folder}/main.js`, PROGRAM);
    const url = `${relay.address.replace("http:", "ws:")}/cam`;
    const told: Seen = JSON.parse(await outputOf("node", ["main.js", url], fresh.folder));
    const expected = Array.from({ length: 20 }, (_, n) => `${n} 50000 ${n} ${n} key mjpeg`);
    assertEquals(told.seen, expected);
    assertEquals([told.fps, told.names, told.failed], [[12, 12], ["cam"], "true unreachable"]);
    // Before version 22 it has no WebSocket of its own.
    assertEquals(told.hasWebSocket, NODE! >= 22);
    await Deno.writeTextFile(`${fresh.folder}/typed.ts`, TYPED);
    const lib = ["deno.ns", "dom", "dom.iterable", "dom.asynciterable", "esnext"];
    await Deno.writeTextFile(
      `${fresh.folder}/deno.json`,
      JSON.stringify({ nodeModulesDir: "manual", compilerOptions: { lib } }),
    );
    await outputOf(Deno.execPath(), ["check", "typed.ts"], fresh.folder);
  },
});

Deno.test({
  name: `the package works in a page, without another one ${NO_NODE ?? NO_CHROMIUM ?? ""}`.trim(),
  ignore: (NO_NODE ?? NO_CHROMIUM) !== undefined,
  async fn() {
    await using fresh = await project();
    const asked: string[] = [];
    await using site = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/") return await page(fresh.folder);
        asked.push(pathname);
        const file = await Deno.readFile(`${fresh.folder}${pathname}`).catch(() => undefined);
        return file === undefined
          ? new Response(null, { status: 404 })
          : new Response(file, { headers: { "content-type": "text/javascript" } });
      },
    );
    const address = `http://127.0.0.1:${site.addr.port}`;
    await using relay = await serve({ port: 0, allowOrigins: [address] });
    const relayUrl = relay.address.replace("http:", "ws:");
    await using _pattern = Publishing.pattern(`${relayUrl}/pattern`, {
      width: 64,
      height: 48,
      format: "png",
    });
    await using browser = await Browser.start();
    await using open = await browser.open({ url: address });
    await open.waitForFunction(() => "relayed" in globalThis);
    const relayed = await open.evaluate(
      // deno-lint-ignore no-explicit-any
      (url) => (globalThis as any).relayed(url),
      `${relayUrl}/own`,
    );
    assertEquals(relayed, [1, 2, 3]);
    const played = await open.evaluate((url) =>
      new Promise((resolve) => {
        const player = document.createElement("stream-player") as HTMLElement & {
          pictureWidth: number;
          pictureHeight: number;
        };
        // The picture has another size than none.
        player.addEventListener("resize", () => {
          resolve([player.pictureWidth, player.pictureHeight]);
        });
        player.setAttribute("src", url);
        document.body.append(player);
      }), `${relayUrl}/pattern`);
    assertEquals(played, [64, 48]);
    assertEquals(open.errors, []);
    assert(asked.length > 20, asked.join(" "));
    const foreign = asked.filter((path) => !path.startsWith("/node_modules/@stream/relay/"));
    assertEquals(foreign, []);
    assertEquals(asked.filter((path) => path.includes("client_socket")), []);
  },
});

/** A page in which the package's own names are known. */
async function page(folder: string): Promise<Response> {
  const base = "/node_modules/@stream/relay/";
  const { exports } = JSON.parse(await Deno.readTextFile(`${folder}${base}package.json`));
  const imports = Object.fromEntries(
    Object.entries<{ readonly import: string }>(exports).map(([name, { import: path }]) => [
      `@stream/relay/${name.replace("./", "")}`,
      `${base}${path.replace("./", "")}`,
    ]),
  );
  return new Response(
    `<!doctype html><title>page</title><link rel="icon" href="data:,">
     <script type="importmap">${JSON.stringify({ imports })}</script>
     <script type="module">${PAGE_SCRIPT}</script>`,
    { headers: { "content-type": "text/html" } },
  );
}

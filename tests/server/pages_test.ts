// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ASSETS, importClosure } from "../../src/http/assets.ts";
import { Client, frameOf, startRelay } from "./fixture.ts";

/** What browsers send when a person follows a link. */
const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const SOURCE = new URL("../../src/", import.meta.url);
/** The modules with which the pages begin. */
const ENTRIES = ["player/player.ts", "player/streams.ts"];

function scripts(): string[] {
  return [...ASSETS.keys()].filter((path) => path.endsWith(".ts"));
}

/** What JavaScript imports, whatever its form. */
function importsOf(code: string): string[] {
  const found = code.matchAll(/\b(?:from|import)\s*\(?\s*["'`]([^"'`]+)["'`]/g);
  return [...found].map(([, specifier]) => specifier!);
}

Deno.test("ASSETS has every file of src/player under a type that browsers take", async () => {
  const names = (await Array.fromAsync(Deno.readDir(new URL("player/", SOURCE))))
    .map(({ name }) => name).sort();
  const served = [...ASSETS.keys()].filter((path) => /^player\/|^\w+\.html$/.test(path));
  assertEquals(served.map((path) => path.replace(/^player\//, "")).sort(), names);
  const types = { html: "text/html", ts: "text/javascript", css: "text/css", svg: "image/svg+xml" };
  for (const [path, { type }] of ASSETS) {
    const ending = /\.(\w+)$/.exec(path)![1] as keyof typeof types;
    assertEquals(type.replace("; charset=utf-8", ""), types[ending], path);
  }
});

Deno.test("ASSETS has the modules that the pages import, and nothing else of the source", () => {
  const needed = new Set<string>();
  const waiting = [...ENTRIES];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (needed.has(path)) continue;
    needed.add(path);
    const { content } = ASSETS.get(path)!;
    assert(!/\b(?:Deno|process|Buffer|require)\./.test(content), `${path} is not for browsers`);
    for (const specifier of importsOf(content)) {
      assertMatch(specifier, /^\.{1,2}\/[\w./]+\.ts$/, `${path} imports ${specifier}`);
      waiting.push(new URL(specifier, `file:///${path}`).pathname.slice(1));
    }
  }
  assertEquals(scripts().sort(), [...needed].sort());
});

Deno.test("ASSETS has scripts that are JavaScript, line by line where they are in the source", async () => {
  for (const path of scripts()) {
    const { content } = ASSETS.get(path)!;
    const source = await Deno.readTextFile(new URL(path, SOURCE));
    const lines = content.split("\n");
    assertEquals(lines.length, source.split("\n").length, path);
    for (const [index, line] of source.split("\n").entries()) {
      const served = lines[index]!;
      // A semicolon may stand where a type ended a statement.
      const isThere = [...served].every((sign, at) => [" ", ";", line[at]].includes(sign));
      assert(isThere && served.length <= line.length, `${path}:${index + 1}`);
    }
    // Parsed as the body of a function, which has no imports and exports, and not run.
    const body = content.replace(/^import\b[^;]*;/gm, "").replace(/^export (?!default)/gm, "");
    new Function(`"use strict";${body}`);
  }
});

Deno.test("ASSETS has pages that name all modules of their script, for a browser to fetch at once", () => {
  for (
    const [page, entry] of [["player.html", ENTRIES[0]!], ["streams.html", ENTRIES[1]!]] as const
  ) {
    const { content } = ASSETS.get(page)!;
    const named = [...content.matchAll(/<link rel="modulepreload" href="assets\/([^"]+)">/g)];
    assertEquals(named.map(([, path]) => path!).sort(), importClosure(entry).slice(0, -1).sort());
    assert(named.length > 10, page);
    assertStringIncludes(content, `<script type="module" src="assets/${entry}"></script>`);
  }
});

Deno.test("ASSETS has no script or style within a page, which its policy would not run", () => {
  for (const [name, { content }] of ASSETS) {
    if (!name.endsWith(".html")) continue;
    for (const [script] of content.matchAll(/<script\b[^>]*>[^<]*/g)) {
      assertMatch(script, /src="\/?assets\/player\/\w+\.ts"[^>]*>$/, name);
    }
    assert(!/<style\b|\sstyle=|\son\w+=|javascript:/i.test(content), name);
    for (const [, file] of content.matchAll(/"\/?assets\/([^"]+)"/g)) {
      assert(ASSETS.has(file!), `${name} refers to ${file}`);
    }
  }
});

for (const [path, file] of [["/", "streams.html"], ["/live", "player.html"]] as const) {
  Deno.test(`serve shows browsers ${file} at ${path}, and everything else text`, async () => {
    await using relay = await startRelay();
    const page = await fetch(relay.address + path, { headers: BROWSER });
    assertEquals(page.status, 200);
    assertEquals(await page.text(), ASSETS.get(file)!.content);
    assertEquals(page.headers.get("vary"), "accept");
    for (const headers of [{ accept: "*/*" }, { accept: "application/json" }]) {
      const text = await fetch(relay.address + path, { headers });
      assertStringIncludes(text.headers.get("content-type")!, "text/plain");
      assertMatch(await text.text(), /stream/);
      assertEquals(text.headers.get("vary"), "accept");
    }
  });
}

Deno.test("serve shows the player of a stream that is there, and takes its WebSocket", async () => {
  await using relay = await startRelay();
  await using client = await Client.open(relay.url("/live"));
  client.send(frameOf(1));
  await client.frame();
  const page = await fetch(`${relay.address}/live`, { headers: BROWSER });
  assertEquals(await page.text(), ASSETS.get("player.html")!.content);
});

for (
  const [path, code] of [
    ["/", 200],
    ["/live", 200],
    ["/a/b", 404],
    ["/assets/player/style.css", 200],
  ] as const
) {
  Deno.test(`serve lets nothing but its own files act on ${path}`, async () => {
    await using relay = await startRelay();
    const { status, headers, body } = await fetch(relay.address + path, { headers: BROWSER });
    await body?.cancel();
    assertEquals(status, code);
    const policy = headers.get("content-security-policy")!.split("; ");
    assert(policy.includes("default-src 'none'"));
    assert(policy.includes("script-src 'self'"));
    assert(policy.includes("frame-ancestors 'self'"));
    // What Media Source Extensions play has an address that the page itself has made.
    assert(policy.includes("media-src blob:"));
    assert(policy.every((rule) => !/unsafe|\*|https?:/.test(rule)));
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertEquals(headers.get("cache-control"), "no-cache");
  });
}

Deno.test("serve tells a browser that it has a file already", async () => {
  await using relay = await startRelay();
  const url = `${relay.address}/assets/player/style.css`;
  const first = await fetch(url);
  assertStringIncludes(first.headers.get("content-type")!, "text/css");
  assertEquals(await first.text(), ASSETS.get("player/style.css")!.content);
  const etag = first.headers.get("etag")!;
  const again = await fetch(url, { headers: { "if-none-match": etag } });
  assertEquals([again.status, await again.text()], [304, ""]);
  for (const tags of [`"0123", W/${etag}`, "*"]) {
    const known = await fetch(url, { headers: { "if-none-match": tags } });
    assertEquals([known.status, await known.text()], [304, ""], tags);
  }
  const other = await fetch(url, { headers: { "if-none-match": '"0123"' } });
  assertEquals([other.status, (await other.text()).length > 0], [200, true]);
});

Deno.test("serve answers HEAD for a page and a file without a body", async () => {
  await using relay = await startRelay();
  for (const path of ["/", "/live", "/assets/player/style.css"]) {
    const response = await fetch(relay.address + path, { method: "HEAD", headers: BROWSER });
    assertEquals([response.status, await response.text()], [200, ""], path);
  }
});

for (const path of ["/%3Cscript%3Ealert(1)%3C/script%3E", "/%22%3E%3Cimg%20onerror=x%3E", "/api"]) {
  Deno.test(`serve shows browsers a page without injections at ${path}`, async () => {
    await using relay = await startRelay();
    const response = await fetch(relay.address + path, { headers: BROWSER });
    assertEquals(response.status, 404);
    assertStringIncludes(response.headers.get("content-type")!, "text/html");
    const page = await response.text();
    assertMatch(page, /<p>Cannot find \/.+: the name .+<\/p>/);
    assert(!/<script|<img|alert\(1\)</.test(page));
  });
}

Deno.test("serve has no files beyond its table", async () => {
  await using relay = await startRelay();
  for (
    const name of [
      "",
      "nothing.ts",
      "..%2Fplayer.ts",
      "toString",
      "server/hub.ts",
      "wire/relay_session.ts",
    ]
  ) {
    const response = await fetch(`${relay.address}/assets/${name}`);
    assertEquals(response.status, 404, name);
    assertMatch(await response.text(), /^Cannot find .+: /);
  }
});

Deno.test("serve lets pages of the sites of --allow-origin frame the player, and no others", async () => {
  const strange = "app://x;script-src *";
  await using relay = await startRelay({
    allowOrigins: ["https://example.org", "http://[::1]:3000", strange],
  });
  for (const [path, status] of [["/", 200], ["/live", 200], ["/a/b", 404]] as const) {
    const response = await fetch(relay.address + path, { headers: BROWSER });
    await response.body?.cancel();
    assertEquals(response.status, status);
    const policy = response.headers.get("content-security-policy")!.split("; ");
    assertEquals(
      policy.at(-1),
      "frame-ancestors 'self' https://example.org http://[::1]:3000",
    );
    assert(policy.includes("script-src 'self'"));
  }
  await using open = await startRelay({ allowOrigins: ["*"] });
  const response = await fetch(`${open.address}/live`, { headers: BROWSER });
  await response.body?.cancel();
  assertMatch(response.headers.get("content-security-policy")!, /; frame-ancestors 'self' \*$/);
});

Deno.test("serve leads from an unknown page to the relay's own, also under a path", async () => {
  await using relay = await startRelay();
  for (const [path, root] of [["/api", "./"], ["/a/b/c", "../../"]] as const) {
    const page = await (await fetch(relay.address + path, { headers: BROWSER })).text();
    assertStringIncludes(page, `href="${root}assets/player/style.css"`);
    assertStringIncludes(page, `<a href="${root}">`);
  }
});

Deno.test("serve writes addresses with the path and the scheme that a proxy has taken off", async () => {
  await using relay = await startRelay();
  const { host } = new URL(relay.address);
  const text = async (path: string, headers: Record<string, string>) =>
    await (await fetch(relay.address + path, { headers })).text();
  const proxied = { "x-forwarded-prefix": "/video/", "x-forwarded-proto": "https" };
  assertStringIncludes(await text("/cam", proxied), `stream watch wss://${host}/video/cam\n`);
  const overview = await text("/", proxied);
  assertStringIncludes(overview, `wss://${host}/video/live\n`);
  assertStringIncludes(overview, `https://${host}/video/api/streams\n`);
  for (const prefix of ["", "/", "video", "//other.example", "/a b", `/${"x".repeat(300)}`]) {
    const plain = await text("/cam", { "x-forwarded-prefix": prefix });
    assertStringIncludes(plain, `stream watch ws://${host}/cam\n`, prefix);
  }
});

/** The house's rules that a machine can hold: directions of imports, cycles, purity, names. */
// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** What each room may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  bytes: ["errors"],
  core: ["bytes", "errors"],
  split: ["core", "bytes", "errors"],
  picture: ["core", "bytes", "errors"],
  wire: ["core", "bytes", "errors"],
  host: ["errors"],
  media: ["split", "core", "bytes", "errors"],
  net: ["wire", "split", "picture", "core", "bytes", "errors", "host"],
  // The pages: what they import runs in browsers, as tests/server/pages_test.ts holds.
  player: ["media", "net", "wire", "split", "picture", "core", "bytes", "errors", "host"],
  access: ["listen", "errors", "host"],
  listen: ["errors", "host"],
  relay: ["access", "listen", "wire", "split", "core", "bytes", "errors", "host"],
  http: [
    "player",
    "relay",
    "access",
    "listen",
    "media",
    "net",
    "wire",
    "split",
    "picture",
    "core",
    "bytes",
    "errors",
    "host",
  ],
  client: ["net", "wire", "core", "bytes", "errors", "host"],
  files: ["client", "media", "net", "split", "picture", "core", "bytes", "errors", "host"],
  ingest: [
    "files",
    "http",
    "relay",
    "listen",
    "media",
    "net",
    "wire",
    "split",
    "core",
    "errors",
    "host",
  ],
  link: ["relay", "wire", "core", "errors", "host"],
  shards: [
    "link",
    "ingest",
    "http",
    "relay",
    "access",
    "listen",
    "wire",
    "core",
    "bytes",
    "errors",
    "host",
  ],
  server: ["shards", "ingest", "http", "relay", "access", "listen", "errors", "host"],
  bench: ["server", "files", "net", "wire", "core", "bytes", "errors", "host"],
  cli: [
    "bench",
    "server",
    "files",
    "client",
    "media",
    "split",
    "picture",
    "core",
    "errors",
    "host",
  ],
  main: ["cli", "host", "errors"],
  // The library for relays.
  mod: ["server", "relay", "access", "listen", "core", "errors", "host"],
};

/** By what a room is entered from the rooms that use the library as everybody does. */
const DOORS: Readonly<Record<string, string>> = {
  client: "src/client/mod.ts",
  server: "src/server/mod.ts",
};
const USERS_OF_THE_LIBRARY = ["cli", "files"];
/** It may look behind the doors, which it measures. */
const EXEMPT = "src/cli/bench.ts";

const PURE_ROOMS = ["errors", "bytes", "core", "split", "wire", "picture"];

/** What no pure room may use: time, the process, the system, waiting, state of a module. */
const IMPURE: Readonly<Record<string, RegExp>> = {
  "Deno": /\bDeno\b/,
  "a timer": /\b(?:setTimeout|setInterval|queueMicrotask)\b/,
  "the clock": /\bDate\b|\bperformance\b/,
  "chance": /\bMath\.random\b|\bcrypto\b/,
  "the console": /\bconsole\b/,
  "the network": /\bfetch\(|\bWebSocket\(/,
  "async": /\basync\b|\bawait\b/,
  "state of a module": /^(?:export )?(?:let|var)\b/m,
  "a default export": /^export default\b/m,
};

interface Source {
  /** Path from the repository's root. */
  readonly path: string;
  /** The text without comments, and with all strings empty. */
  readonly code: string;
  /** What it imports, as written. */
  readonly imports: readonly string[];
  /** What of that is there when it runs, and from its start: no types, and nothing by `import()`. */
  readonly loads: readonly string[];
}

function parse(path: string, text: string): Source {
  const strings: string[] = [];
  const token =
    /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  const marked = text.replace(token, (found) => {
    if (found.startsWith("/")) return "";
    strings.push(found.slice(1, -1));
    return `"${strings.length - 1}"`;
  });
  const importing = /^(?:import|export)\b[^;"]*?\bfrom\s*"(\d+)"|\bimport\s*\(?\s*"(\d+)"/gm;
  const imports = [...marked.matchAll(importing)].map((match) =>
    strings[Number(match[1] ?? match[2])]!
  );
  const loading = /^(?:import|export) (?!type\b)[^;"]*?\bfrom\s*"(\d+)"/gm;
  const loads = [...marked.matchAll(loading)].map((match) => strings[Number(match[1])]!);
  return { path, code: marked.replace(/"\d+"/g, '""'), imports, loads };
}

function readSources(folder: string): Source[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}${name}`;
    if (isDirectory) return readSources(`${path}/`);
    return /\.ts$/.test(name) ? [parse(path, Deno.readTextFileSync(new URL(path, ROOT)))] : [];
  });
}

/** The path that `specifier` means in `source`, `undefined` for what lies outside of the project. */
function resolve(source: Source, specifier: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  return new URL(specifier, `file:///${source.path}`).pathname.slice(1);
}

function roomOf(path: string): string {
  return /^src\/([^/.]+)/.exec(path)?.[1] ?? /^[^/.]*/.exec(path)![0];
}

function misdirected(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((specifier) => {
      const target = resolve(source, specifier);
      if (target === undefined) return [];
      const [from, to] = [roomOf(source.path), roomOf(target)];
      // What is no code: the project's own description, the protocol's page and its vectors.
      if (/\.(?:json|md)$/.test(target)) return [];
      const isAllowed = from === to || MAY_IMPORT[from]?.includes(to) === true;
      return isAllowed ? [] : [`${source.path} imports ${target}`];
    })
  );
}

/** Imports that go past the door of a room. */
function burglaries(sources: readonly Source[]): string[] {
  return sources.filter(({ path }) =>
    USERS_OF_THE_LIBRARY.includes(roomOf(path)) && path !== EXEMPT
  ).flatMap((source) =>
    source.imports.flatMap((specifier) => {
      const target = resolve(source, specifier) ?? "";
      const door = DOORS[roomOf(target)];
      return door === undefined || door === target ? [] : [`${source.path} imports ${target}`];
    })
  );
}

function cycles(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (source: Source, trail: readonly string[]): void => {
    const at = trail.indexOf(source.path);
    if (at >= 0) return void found.push([...trail.slice(at), source.path].join(" → "));
    if (done.has(source.path)) return;
    for (const specifier of source.imports) {
      const target = byPath.get(resolve(source, specifier) ?? "");
      if (target !== undefined) visit(target, [...trail, source.path]);
    }
    done.add(source.path);
  };
  for (const source of sources) visit(source, []);
  return found;
}

function impurities(sources: readonly Source[]): string[] {
  return sources.filter(({ path }) => PURE_ROOMS.includes(roomOf(path))).flatMap((source) => {
    const uses = Object.entries(IMPURE).filter(([, pattern]) => pattern.test(source.code));
    const system = source.imports.filter((specifier) => specifier.startsWith("node:"));
    return [...uses.map(([what]) => what), ...system].map((what) => `${source.path} uses ${what}`);
  });
}

const SOURCES = [...readSources("src/"), ...["main.ts", "mod.ts", "player.ts"].map(readRoot)];

function readRoot(path: string): Source {
  return parse(path, Deno.readTextFileSync(new URL(path, ROOT)));
}

/** The modules of the project that `entry` imports when it is loaded, and itself. */
function loadedBy(entry: string): Source[] {
  const byPath = new Map(SOURCES.map((source) => [source.path, source]));
  const found = new Set<Source>();
  const visit = (source: Source): void => {
    if (found.has(source)) return;
    found.add(source);
    for (const specifier of source.loads) {
      const loaded = byPath.get(resolve(source, specifier) ?? "");
      if (loaded !== undefined) visit(loaded);
    }
  };
  visit(byPath.get(entry)!);
  return [...found];
}

Deno.test("src has the rooms that the rules know, and every file is in one", () => {
  assert(SOURCES.length > 50, `${SOURCES.length} files`);
  const unknown = SOURCES.filter(({ path }) => MAY_IMPORT[roomOf(path)] === undefined);
  assertEquals(unknown.map(({ path }) => path), []);
});

Deno.test("src imports in one direction: cli, server and client, net, wire, core, errors", () => {
  assertEquals(misdirected(SOURCES), []);
});

Deno.test("cli and files use the library by its doors, but for the load of bench", () => {
  assertEquals(burglaries(SOURCES), []);
});

Deno.test("the clients of the library load nothing that a browser does not have", () => {
  for (const entry of ["src/client/mod.ts", "player.ts"]) {
    const loaded = loadedBy(entry);
    assert(loaded.length > 15, `${entry} loads ${loaded.length} files`);
    const foreign = loaded.flatMap(({ path, loads, code }) => [
      ...loads.filter((specifier) => !/^\.{1,2}\//.test(specifier)).map((name) => [path, name]),
      // It asks whether there is one.
      ...(/\bDeno\b/.test(code) && path !== "src/net/any_socket.ts" ? [[path, "Deno"]] : []),
    ]);
    assertEquals(foreign, []);
  }
});

Deno.test("the program loads what makes certificates only when it makes one", () => {
  const maker = "src/listen/self_signed.ts";
  assert(loadedBy(maker).some(({ loads }) => loads.includes("@peculiar/x509")));
  const paths = loadedBy("src/cli/serve.ts").map(({ path }) => path);
  assert(paths.includes("src/listen/kept_certificate.ts"));
  assertEquals(paths.includes(maker), false);
});

/** What is slow to load: servers, certificates, keys, pictures, films, and what Deno has of Node.js. */
const SLOW = /^(?:ws|jose|jpeg-js|fast-png|mediabunny|ipaddr\.js|@peculiar\/|reflect-|node:)/;

for (
  const [entry, room, slow] of [
    ["main.ts", /^src\/(?:server|relay|http|listen|access|net\/client_socket)/, []],
    ["src/cli/list.ts", /^src\/(?:server|relay|http|listen|access|media|picture)/, []],
    // The test pattern.
    ["src/cli/publish.ts", /^src\/(?:server|relay|http|listen|access)/, ["fast-png"]],
  ] as const
) {
  Deno.test(`${entry} loads what it needs, and not all that the program has`, () => {
    const loaded = loadedBy(entry);
    assert(loaded.length > 15, `${loaded.length} files`);
    assertEquals(loaded.map(({ path }) => path).filter((path) => room.test(path)), []);
    assertEquals(loaded.flatMap(({ loads }) => loads.filter((name) => SLOW.test(name))), [...slow]);
  });
}

Deno.test("src uses the page that it is in nowhere but in player", () => {
  const page = /\b(?:document|customElements|HTML\w*Element|localStorage)\b/;
  const found = SOURCES.filter(({ path, code }) => roomOf(path) !== "player" && page.test(code));
  assertEquals(found.map(({ path }) => path), []);
});

Deno.test("src has no cycles among its files", () => {
  assertEquals(cycles(SOURCES), []);
});

Deno.test("docs/architecture.md's table has the rooms, in this order, and what they may import", () => {
  const page = Deno.readTextFileSync(new URL("docs/architecture.md", ROOT));
  const rows = [...page.matchAll(/^\| `(\w+)` *\|[^|]*\| *([a-z ]*?) *\|$/gm)];
  const table = rows.map(([, room, rooms = ""]) => [room, rooms === "" ? [] : rooms.split(" ")]);
  assertEquals(table, Object.entries(MAY_IMPORT).map(([room, rooms]) => [room, [...rooms]]));
});

Deno.test("no two rooms may import each other, also not by others between them", () => {
  const below = new Set<string>();
  let rooms = Object.keys(MAY_IMPORT);
  while (rooms.length > 0) {
    const lowest = rooms.filter((room) => MAY_IMPORT[room]!.every((other) => below.has(other)));
    assert(lowest.length > 0, `these import each other: ${rooms.join(", ")}`);
    for (const room of lowest) below.add(room);
    rooms = rooms.filter((room) => !below.has(room));
  }
});

Deno.test("src keeps its pure rooms free of time, process, waiting and state", () => {
  assertEquals(impurities(SOURCES), []);
});

Deno.test("src has no drawer for what has no name", () => {
  const drawers = /(?:^|\/)(?:misc|utils?|types|helpers?|common)(?:\.ts$|\/)/;
  assertEquals(SOURCES.filter(({ path }) => drawers.test(path)).map(({ path }) => path), []);
});

Deno.test("src leaves the end of the process to main.ts", () => {
  const exits = SOURCES.filter(({ path, code }) =>
    /\bDeno\s*\.\s*exit\b/.test(code) && path !== "main.ts"
  );
  assertEquals(exits.map(({ path }) => path), []);
});

Deno.test("src has no default exports and no effects at import in any room", () => {
  const effects = /^(?:export default|(?:await|if|for|while)\b)/m;
  const found = SOURCES.filter(({ path, code }) => path !== "main.ts" && effects.test(code));
  assertEquals(found.map(({ path }) => path), []);
});

Deno.test("the rules of the architecture find what they look for", () => {
  const bad = [
    parse("src/core/a.ts", 'import { x } from "../wire/b.ts";\nlet state = 0;\n'),
    parse("src/wire/b.ts", 'export { y } from "../core/a.ts";\nDate.now();\n'),
    parse("src/net/c.ts", 'import type {\n  Z,\n} from "../cli/d.ts";\n'),
    parse("src/cli/d.ts", 'const e = await import("../../main.ts");\n'),
    parse(
      "src/split/f.ts",
      'import { open } from "node:fs";\nasync () => console.log(Deno.args);\n',
    ),
  ];
  assertEquals(misdirected(bad), [
    "src/core/a.ts imports src/wire/b.ts",
    "src/net/c.ts imports src/cli/d.ts",
    "src/cli/d.ts imports main.ts",
  ]);
  const past = 'export * from "../client/watch.ts";\nimport { y } from "../client/mod.ts";\n';
  assertEquals(burglaries([parse("src/files/h.ts", past), parse(EXEMPT, past)]), [
    "src/files/h.ts imports src/client/watch.ts",
  ]);
  assertEquals(cycles(bad), ["src/core/a.ts → src/wire/b.ts → src/core/a.ts"]);
  assertEquals(impurities(bad), [
    "src/core/a.ts uses state of a module",
    "src/wire/b.ts uses the clock",
    "src/split/f.ts uses Deno",
    "src/split/f.ts uses the console",
    "src/split/f.ts uses async",
    "src/split/f.ts uses node:fs",
  ]);
  const good = parse(
    "src/core/g.ts",
    '// async\n/** Date.now() */\nconst text = "console.log";\nimport { h } from "./h.ts";\n',
  );
  assertEquals([impurities([good]), good.imports], [[], ["./h.ts"]]);
});

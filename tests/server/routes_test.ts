/** The table of the relay's addresses. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { match, type Row, table } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { DEFAULT_NAME, nameFault, RESERVED_NAMES } from "../../src/wire/stream_name.ts";
import { startRelay } from "./fixture.ts";

const ASKED = {
  request: new Request("http://relay.example/"),
  url: new URL("http://relay.example/"),
  base: "",
  asker: { address: "", token: undefined },
  takeTime: () => {},
};

/** Which row of these paths is for a path, and what stands for the name in it. */
function found(paths: readonly string[], path: string): [string, string] | string {
  const rows = paths.map((path) => ({ method: "GET", path, actions: [] }) as const);
  const outcome = match(table(rows), { method: "GET", path }, ASKED);
  return outcome.route === undefined
    ? outcome.methods.join()
    : [outcome.route.path, outcome.asked.name];
}

/** The names at the relay's root that rows have for themselves, in alphabetical order. */
function reservedNames(rows: readonly Row[]): string[] {
  const first = rows.flatMap(({ path }) => /^\/([a-z]+)/.exec(path)?.[1] ?? []);
  return [...new Set(first)].sort();
}

Deno.test("ROUTES have the reserved names for themselves, and no others", () => {
  assertEquals(reservedNames(ROUTES), [...RESERVED_NAMES].sort());
  for (const name of reservedNames(ROUTES)) assertEquals(typeof nameFault(name), "string");
});

Deno.test("ROUTES each say where they are answered", () => {
  for (const { path, here, there } of ROUTES) {
    assertEquals(here !== undefined || there !== undefined, true, path);
  }
});

Deno.test("match takes the first row, and what stands for a name", () => {
  const paths = ["/a", "/a/?", "/b/:name/c", "/b/:name", "/:path.jpg", "/:stream", "/:path?"];
  assertEquals(found(paths, "/a"), ["/a", ""]);
  assertEquals(found(paths, "/a/"), ["/a/?", ""]);
  assertEquals(found(paths, "/b/x/c"), ["/b/:name/c", "x"]);
  assertEquals(found(paths, "/b/x"), ["/b/:name", "x"]);
  assertEquals(found(paths, "/cam.jpg"), ["/:path.jpg", "cam"]);
  assertEquals(found(paths, "/cam-jpg"), ["/:stream", "cam-jpg"]);
  assertEquals(found(paths, "/no name"), ["/:path?", "no name"]);
  assertEquals(found(paths, "/x/y\nz"), ["/:path?", "x/y\nz"]);
  assertEquals(found(paths, "/"), ["/:path?", DEFAULT_NAME]);
  assertEquals(found(["/:stream", "/b/:name"], "/b/x/y"), "");
});

Deno.test("match tells the methods that a path has", () => {
  const rows = table([
    { method: "GET", path: "/a", actions: [] },
    { method: "PATCH", path: "/:name", actions: [] },
    { method: "WEBSOCKET", path: "/:path?", actions: [] },
  ]);
  const methods = (path: string) => {
    const outcome = match(rows, { method: "DELETE", path }, ASKED);
    return outcome.route === undefined ? outcome.methods : undefined;
  };
  assertEquals(methods("/a"), ["GET", "HEAD", "PATCH"]);
  assertEquals(methods("/b"), ["PATCH"]);
  assertEquals(methods("/b/c"), []);
});

Deno.test("serve names the methods of an address in 405, and to browsers that ask first", async () => {
  await using relay = await startRelay();
  for (
    const [path, methods] of [
      ["/", "GET, HEAD"],
      ["/live", "POST, PUT, GET, HEAD"],
      ["/live.mjpeg", "POST, PUT, GET, HEAD"],
      ["/live.mkv", "POST, PUT, GET, HEAD"],
      ["/live.mp4", "POST, PUT, GET, HEAD"],
      ["/metrics", "GET, HEAD"],
      ["/assets/player.html", "GET, HEAD"],
      ["/api/streams", "GET, HEAD"],
      ["/api/streams/", "GET, HEAD"],
      ["/api/streams/live", "GET, HEAD, PATCH"],
      ["/api/streams/live/access", "GET, HEAD"],
      ["/api/streams/live/viewers", "GET, HEAD"],
    ]
  ) {
    const refused = await fetch(relay.address + path, { method: "DELETE" });
    await refused.text();
    assertEquals([refused.status, refused.headers.get("allow")], [405, methods], path);
    const asked = await fetch(relay.address + path, { method: "OPTIONS" });
    const told = asked.headers.get("access-control-allow-methods");
    assertEquals([asked.status, told], [204, methods], path);
  }
  for (const path of ["/a/b", "/api", "/api/nothing", "/assets/", "/no+name"]) {
    for (const method of ["GET", "POST"]) {
      const missing = await fetch(relay.address + path, { method });
      await missing.text();
      assertEquals(missing.status, 404, path);
    }
  }
});

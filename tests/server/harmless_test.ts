/** No answer of a relay can be turned against who reads it. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { ROUTES } from "../../src/http/routes.ts";
import { concat } from "../split/samples.ts";
import { eventually } from "../waiting.ts";
import { Client, startRelay } from "./fixture.ts";
import { PartReader } from "./mjpeg.ts";

/** One address for each route, and some that no route is for. */
const PATHS: Readonly<Record<string, string>> = {
  "/:path?": "/cam?action=snapshot",
  "/assets/:path": "/assets/player/style.css",
  "/api/streams/?": "/api/streams",
  "/api/streams/:name/viewers": "/api/streams/cam/viewers",
  "/api/streams/:name": "/api/streams/cam",
  "/:path.mjpeg": "/cam.mjpeg",
  "/:path.jpg": "/cam.jpg",
  "/:path.png": "/cam.png",
  "/:stream": "/cam",
};

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2, 0, 0xff, 0xd9);

Deno.test("serve says of every answer what a browser may make of it", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/cam?role=publish"));
  sender.send(JPEG);
  await eventually("a frame", async () => {
    const response = await fetch(`${relay.address}/cam.jpg`);
    await response.body?.cancel();
    return response.status === 200;
  });
  const own = ROUTES.map(({ path }) => PATHS[path] ?? path);
  for (const path of new Set([...own, "/a/b", "/assets/none", "/api/none", "/%00", "/none.jpg"])) {
    for (const accept of ["*/*", "text/html"]) {
      for (const method of ["GET", "HEAD", "POST", "PATCH", "OPTIONS"]) {
        const response = await fetch(relay.address + path, { method, headers: { accept } });
        await response.body?.cancel();
        const what = `${method} ${path} ${accept} ${response.status}`;
        assertEquals(response.headers.get("x-content-type-options"), "nosniff", what);
        const policy = response.headers.get("content-security-policy") ?? "";
        assertMatch(policy, /^default-src 'none'; (?:sandbox$|script-src 'self'; )/, what);
      }
    }
  }
});

Deno.test("serve has another boundary in each answer of motion JPEG, and sends no picture that holds it", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/cam?role=publish"));
  sender.send(JPEG);
  await using one = await PartReader.open(`${relay.address}/cam.mjpeg`);
  await using other = await PartReader.open(`${relay.address}/cam.mjpeg`, { accept: "text/html" });
  const [first, second] = [one, other].map(({ response }) =>
    /boundary=(\w{32,70})$/.exec(response.headers.get("content-type")!)![1]!
  );
  assertNotEquals(first, second);
  assertEquals(await one.picture(), JPEG);
  const evil = new TextEncoder().encode(
    `\r\n--${first}\r\nContent-Type: text/html\r\n\r\n<script>\r\n--${first}\r\n`,
  );
  sender.send(concat(JPEG.subarray(0, 7), evil, JPEG.subarray(7)));
  const next = concat(JPEG.subarray(0, 7), Uint8Array.of(1, 2, 3), JPEG.subarray(7));
  sender.send(next);
  assertEquals(await one.picture(), next);
});

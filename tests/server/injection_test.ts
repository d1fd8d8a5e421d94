/** What a stream says of itself stays what it is, wherever the relay repeats it. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromPublisher } from "../wire/messages.ts";
import { Client, startRelay, until } from "./fixture.ts";

/** Ends a label, a line, a header, an element and a string. */
const EVIL = `"} 1\nevil 1\r\nX-Evil: 1\r\n\r\n</p><script>evil()</script>\u001b[2J\\`;

/** A line of the exposition format 0.0.4. */
const METRIC =
  /^(?:# (?:HELP|TYPE) \w+ [^\n]+|\w+(?:\{\w+="[^"\\\n]*"(?:,\w+="[^"\\\n]*")*\})? -?[\d.e+-]+)$/;

/** Codes of what nobody can mean. */
const REFUSED = /^(?:1002|1007|1008)$/;

const KEYS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

Deno.test("serve repeats what a publisher says of its frames only as JSON", async () => {
  await using relay = await startRelay();
  await using publisher = await Client.hello(relay.url("/cam"), { role: "publish", session: EVIL });
  await publisher.control("welcome");
  const said = { codec: EVIL, pixelFormat: EVIL, width: 4, height: 4, header: EVIL };
  publisher.send(JSON.stringify({ type: "config", epoch: 0, format: "raw", ...said }));
  publisher.send(fromPublisher(1, new Uint8Array(64)));
  const { codec, pixelFormat } = await until(
    relay,
    ({ received }) => received.frames === 1,
    "cam",
  );
  assertEquals([codec, pixelFormat], [EVIL, EVIL]);
  const lines = (await (await fetch(`${relay.address}/metrics`)).text()).trimEnd().split("\n");
  for (const line of lines) assertMatch(line, METRIC);
  for (
    const path of ["/cam.jpg", "/cam.png", "/cam.mjpeg", "/api/streams/cam/viewers", "/cam", "/"]
  ) {
    for (const accept of ["*/*", "text/html"]) {
      const response = await fetch(relay.address + path, { headers: { accept } });
      assert(!response.headers.has("x-evil"), path);
      const type = response.headers.get("content-type")!;
      const text = response.ok && type.startsWith("multipart/") ? "" : await response.text();
      await response.body?.cancel().catch(() => {});
      assert(!type.startsWith("text/html") || !text.includes("evil()"), `${path} ${accept}`);
    }
  }
});

Deno.test("serve takes the names of an object's own machinery for names like any other", async () => {
  await using relay = await startRelay();
  for (const key of KEYS) {
    for (const path of [`/assets/${key}`, `/${key}.jpg`, `/${key}.mjpeg`, `/api/streams/${key}`]) {
      const response = await fetch(relay.address + path);
      await response.body?.cancel();
      assertEquals(response.status, 404, path);
    }
    const role = await Client.open(relay.url(`/live?role=${key}`));
    assertMatch(`${(await role.closed).code}`, REFUSED, key);
    for (const field of ["type", "role"]) {
      await using client = await Client.hello(relay.url("/live"), { [field]: key });
      assertMatch(`${(await client.closed).code}`, REFUSED, `${field} ${key}`);
    }
    await using publisher = await Client.hello(relay.url("/live"), {
      role: "publish",
      session: "a",
    });
    await publisher.control("welcome");
    publisher.send(JSON.stringify({ type: "config", epoch: 0, format: key }));
    assertEquals((await publisher.closed).code, 1007, key);
    const change = await fetch(`${relay.address}/api/streams/live`, {
      method: "PATCH",
      body: `{"${key}":{"fps":60}}`,
    });
    await change.body?.cancel();
    assert(change.status >= 400 && change.status < 500, key);
  }
  assertEquals(Object.keys(Object.prototype), []);
});

/** What a client is let in by gets to the relay as it is, or is refused in a sentence. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { askerOf } from "../../src/access/access.ts";
import { StreamError } from "../../src/errors.ts";
import { passOf } from "../../src/net/pass.ts";
import { tokenProtocol } from "../../src/net/token_protocol.ts";

Deno.test("tokenProtocol writes any token so that it is a subprotocol, which the relay reads", () => {
  const all = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).join("");
  for (const token of ["abc", "a.b-c_d~", "AbC+/9==", "100%", "%41", "%", all]) {
    const protocol = tokenProtocol(token);
    // A token of HTTP, as which browsers take it (RFC 9110 section 5.6.2).
    assertEquals(/^bearer\.[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(protocol), true, protocol);
    const headers = { "sec-websocket-protocol": `stream.v1, ${protocol}` };
    const url = new URL("http://host/cam");
    assertEquals(askerOf(new Request(url, { headers }), url, "").token, token);
  }
  // A token as most are stands as it is, and so does what no client writes.
  assertEquals(tokenProtocol("eyJh.eyJ3-_.c2ln"), "bearer.eyJh.eyJ3-_.c2ln");
  const url = new URL("http://host/cam");
  const headers = { "sec-websocket-protocol": "bearer.a%zz" };
  assertEquals(askerOf(new Request(url, { headers }), url, "").token, "a%zz");
});

Deno.test("passOf refuses what no request can carry, without it", async () => {
  for (
    const [authorization, why] of [
      ["Bearer s3\ncret", "it has characters that no request can carry"],
      ["Bearer s3cr\u00e9t", "it has characters that no request can carry"],
      ["", "it has characters that no request can carry"],
      [`Bearer ${"s3cret".repeat(1_000_000)}`, "it has more than 12288 characters"],
    ] as const
  ) {
    for (const given of [authorization, () => authorization]) {
      const error = await assertRejects(() => passOf({ authorization: given }), StreamError);
      assertEquals(error.code, "usage");
      assertEquals(error.message, `Cannot send the authorization: ${why}`);
    }
  }
  const { authorization } = await passOf({}, "Basic dTpw");
  assertEquals(authorization, "Basic dTpw");
});

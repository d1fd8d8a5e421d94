// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { DEFAULT_URL, parseStreamUrl } from "../../src/net/stream_url.ts";

const VALID: [text: string, socket: string, server: string, name: string][] = [
  [DEFAULT_URL, "ws://127.0.0.1:8080/live", "http://127.0.0.1:8080", "live"],
  ["ws://host", "ws://host/live", "http://host", "live"],
  ["ws://host/", "ws://host/live", "http://host", "live"],
  ["wss://host/cam-1", "wss://host/cam-1", "https://host", "cam-1"],
  ["http://host:81/a.b_c", "ws://host:81/a.b_c", "http://host:81", "a.b_c"],
  ["https://host/x", "wss://host/x", "https://host", "x"],
  ["https://host:443/x", "wss://host/x", "https://host", "x"],
  ["WS://HOST/Name", "ws://host/Name", "http://host", "Name"],
  ["ws://[::1]:9/x", "ws://[::1]:9/x", "http://[::1]:9", "x"],
  ["ws://host/x?role=watch", "ws://host/x?role=watch", "http://host", "x"],
  ["ws://host/%61b", "ws://host/ab", "http://host", "ab"],
  ["127.0.0.1:8080", "ws://127.0.0.1:8080/live", "http://127.0.0.1:8080", "live"],
  ["localhost:8080/cam", "ws://localhost:8080/cam", "http://localhost:8080", "cam"],
  ["[::1]:9/x?join=live", "ws://[::1]:9/x?join=live", "http://[::1]:9", "x"],
  [
    "relay.example.org:81/video/",
    "ws://relay.example.org:81/video/live",
    "http://relay.example.org:81/video",
    "live",
  ],
  ["ws://host/video/cam", "ws://host/video/cam", "http://host/video", "cam"],
  ["wss://host/video/", "wss://host/video/live", "https://host/video", "live"],
  ["https://host/a/b%20c/cam", "wss://host/a/b%20c/cam", "https://host/a/b%20c", "cam"],
  ["ws://host/metrics/cam", "ws://host/metrics/cam", "http://host/metrics", "cam"],
];

for (const [text, socket, server, name] of VALID) {
  Deno.test(`parseStreamUrl reads ${text}`, () => {
    assertEquals(parseStreamUrl(text), {
      socket,
      server,
      name,
      authorization: undefined,
    });
  });
}

const INVALID: [text: string, why: string][] = [
  ["", "it is not a URL"],
  ["live", "it is not a URL"],
  ["ws://", "it is not a URL"],
  ["cam", "it is not a URL"],
  ["clips/film.mp4", "it is not a URL"],
  ["localhost:port/live", "is not ws:// or wss://"],
  ["ftp://host/x", "is not ws:// or wss://"],
  ["file:///x", "is not ws:// or wss://"],
  ["ws://host/x#y", "fragment"],
  ["ws://host//x", "empty part"],
  ["ws://host/a//x", "empty part"],
  ["ws://host/a/b c", "is not 1 to 64"],
  ["ws://host/a%2Fb", "is not 1 to 64"],
  ["ws://host/%zz", "is not 1 to 64"],
  ["ws://host/%ff", "is not 1 to 64"],
  [`ws://host/${"x".repeat(65)}`, "is not 1 to 64"],
  ["ws://host/metrics", "is reserved"],
  ["ws://us%3Aer:x@host/x", "no user can have a colon"],
  ["ws://host/x?token=a%20b", "its token has characters that no request can carry"],
  ["ws://host/x?token=a%0Ab", "its token has characters that no request can carry"],
  ["ws://host/x?token=geheimn%C3%BCs", "its token has characters that no request can carry"],
  [`ws://host/x?token=${"a".repeat(5_000_000)}`, "its token has more than 8192 characters"],
  [`ws://u:${"a".repeat(5_000_000)}@host/x`, "password have more than 8192 characters"],
];

for (const [text, why] of INVALID) {
  Deno.test(`parseStreamUrl refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    const error = assertThrows(() => parseStreamUrl(text), StreamError);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.message, why);
    assert(error.message.length < 1000);
  });
}

Deno.test("parseStreamUrl takes credentials out of an address, and repeats none", () => {
  const basic = parseStreamUrl("wss://us%C3%A9r:p%40ss@example.org/cam?role=watch");
  assertEquals(basic.socket, "wss://example.org/cam?role=watch");
  assertEquals(basic.authorization, "Basic dXPDqXI6cEBzcw==");
  const token = parseStreamUrl("https://example.org/video/cam?token=s3cret&join=live");
  assertEquals(token.socket, "wss://example.org/video/cam?join=live");
  assertEquals(token.server, "https://example.org/video");
  assertEquals(token.authorization, "Bearer s3cret");
  for (const text of ["ws://user:s3cret@example.org/a b/!", "ws://example.org/!?token=s3cret"]) {
    const { message } = assertThrows(() => parseStreamUrl(text), StreamError);
    assertEquals(message.includes("s3cret"), false, message);
  }
});

Deno.test("parseStreamUrl takes whatever a user and a password are made of", () => {
  for (
    const [written, pair] of [
      ["user:p%ss", "user:p%ss"],
      ["user:100%25", "user:100%"],
      ["user:%zz%C3%A4", "user:%zz\u00e4"],
      ["user:p%ff", "user:p%ff"],
      ["us\u00e9r:p\u00e4ss w%rd", "us\u00e9r:p\u00e4ss w%rd"],
      ["user:%2F%3F%23%40%3A", "user:/?#@:"],
      ["user:a:b@c", "user:a:b@c"],
      ["user:", "user:"],
      ["user", "user:"],
      [":only", ":only"],
    ]
  ) {
    const { authorization, socket } = parseStreamUrl(`ws://${written}@host/cam`);
    assertEquals(socket, "ws://host/cam");
    const bytes = Uint8Array.from(atob(authorization!.slice(6)), (char) => char.charCodeAt(0));
    assertEquals(new TextDecoder().decode(bytes), pair, written);
  }
});

Deno.test("parseStreamUrl says where a password ends an address too early, and shows none of it", () => {
  for (const password of ["s3c/ret", "s3c?ret", "s3c#ret", "1/s3cret", "1?s3cret", "1#s3cret"]) {
    const { message } = assertThrows(
      () => parseStreamUrl(`ws://user:${password}@host:80/cam`),
      StreamError,
    );
    assertStringIncludes(message, "/ ? # and @ are written as %2F %3F %23 and %40");
    assertEquals(/s3c|ret|user:/.test(message), false, message);
  }
  assertEquals(parseStreamUrl("ws://host/@team/cam").server, "http://host/@team");
  assertEquals(parseStreamUrl("ws://host:80/cam?token=a@b").authorization, "Bearer a@b");
});

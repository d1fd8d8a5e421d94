// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { networks, origins } from "../../src/cli/network_value.ts";
import { Networks } from "../../src/listen/addresses.ts";
import { readLine } from "../../src/cli/command.ts";
import { serveCommand } from "../../src/cli/serve_command.ts";

const A = "https://a.example";

for (
  const [line, variable, expected] of [
    [[], undefined, undefined],
    [[], "*", ["*"]],
    [[], `${A}, http://b.example`, [A, "http://b.example"]],
    [["--allow-origin", A], "*", [A]],
    [["--allow-origin", "*"], undefined, ["*"]],
    [[`--allow-origin=${A},http://10.0.0.1:3000`], undefined, [A, "http://10.0.0.1:3000"]],
    [["--allow-origin", A, "--allow-origin", "http://b"], undefined, [A, "http://b"]],
  ] as const
) {
  Deno.test(`serve ${line.join(" ")} takes origins, where STREAM_ALLOW_ORIGIN is ${variable}`, () => {
    const env = (name: string) => name === "STREAM_ALLOW_ORIGIN" ? variable : undefined;
    assertEquals(readLine(serveCommand, line, env).flags["allow-origin"], expected);
  });
}

for (
  const [written, read] of [
    ["HTTPS://A.Example/", A],
    ["https://a.example:443", A],
    ["http://[::1]:8080", "http://[::1]:8080"],
    ["chrome-extension://abcdef", "chrome-extension://abcdef"],
  ] as const
) {
  Deno.test(`origins reads ${written} as browsers write it`, () => {
    assertEquals(origins(written), [read]);
  });
}

for (
  const text of [
    "a.example",
    "null",
    "https://",
    "https://a.example/page",
    "https://user@a.example",
    "https://*.example.org/",
    "https://a.example:99999",
    `${A},`,
    `${A} http://b.example`,
    "",
  ]
) {
  Deno.test(`origins refuses ${JSON.stringify(text)}`, () => {
    assertThrows(() => origins(text), Error, "* or origins such as https://example.org");
  });
}

Deno.test("networks takes whatever the relay reads, and no address that others read otherwise", () => {
  const good = [
    "10.0.0.0/8",
    "10.0.0.1",
    "fd00::/8",
    "::1",
    "::ffff:1.2.3.4/96",
    "1:2:3:4:5:6:7:8",
  ];
  assertEquals(networks(good.join(", ")), good);
  for (const network of good) new Networks([network]);
  const bad = [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "::/129",
    "256.0.0.1",
    "10.1",
    "010.0.0.1",
    "a.b",
  ];
  for (const text of [...bad, "fe80::1%eth0", "10.0.0.1,", "::1/8/8"]) {
    assertThrows(() => networks(text), Error, "networks such as", text);
  }
});

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { origins } from "../../src/cli/network_value.ts";
import { readLine } from "../../src/cli/command.ts";
import { serveCommand } from "../../src/cli/serve.ts";

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

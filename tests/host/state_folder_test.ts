// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { stateFolder } from "../../src/host/state_folder.ts";

for (
  const [os, env, expected] of [
    ["linux", { HOME: "/home/ada" }, "/home/ada/.local/state/stream"],
    ["linux", { HOME: "/home/ada", XDG_STATE_HOME: "/var/lib/" }, "/var/lib/stream"],
    ["linux", { HOME: "/home/ada", XDG_STATE_HOME: "state" }, "/home/ada/.local/state/stream"],
    ["linux", { HOME: "/home/ada", XDG_STATE_HOME: "" }, "/home/ada/.local/state/stream"],
    ["linux", { HOME: "" }, undefined],
    ["linux", {}, undefined],
    ["darwin", { HOME: "/Users/ada" }, "/Users/ada/Library/Application Support/stream"],
    ["darwin", { HOME: "/Users/ada", XDG_STATE_HOME: "/var/lib" }, "/var/lib/stream"],
    [
      "windows",
      { LOCALAPPDATA: "C:\\Users\\Ada\\AppData\\Local" },
      [
        "C:\\Users\\Ada\\AppData\\Local",
        "stream",
      ].join("\\"),
    ],
    ["windows", { HOME: "C:\\Users\\Ada" }, undefined],
  ] as const
) {
  Deno.test(`the state folder of ${os} with ${JSON.stringify(env)} is ${expected}`, () => {
    const values: Readonly<Record<string, string>> = env;
    assertEquals(stateFolder((name) => values[name], os), expected);
  });
}

/** docs/protocol.md says what the code does. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { DROP_REASONS } from "../../src/core/drops.ts";
import { CLOSE, mayRetry } from "../../src/wire/close_code.ts";
import {
  decodeClientMessage,
  decodeServerMessage,
  encodeControl,
  MAX_CONTROL_LENGTH,
} from "../../src/wire/control_message.ts";
import { decodeFrameMessage, encodeFrameMessage } from "../../src/wire/frame_message.ts";
import { RESERVED_NAMES } from "../../src/wire/stream_name.ts";

const PAGE = Deno.readTextFileSync(new URL("../../docs/protocol.md", import.meta.url));

/** The cells of the table rows under a heading. */
function rows(heading: string): string[][] {
  const section = PAGE.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
  return section.split("\n").filter((line) => line.startsWith("|")).slice(2).map((line) =>
    line.slice(1, -1).split("|").map((cell) => cell.trim())
  );
}

Deno.test("protocol.md has every close code and whether to try again", () => {
  const table = rows("Close codes").map(([code, , retry]) => [Number(code), retry === "yes"]);
  assertEquals(table, Object.values(CLOSE).map((code) => [code, mayRetry(code)]));
});

Deno.test("protocol.md has every reason for a drop", () => {
  const reasons = [...PAGE.matchAll(/^\| `([a-z]+(?:_[a-z]+)*)` +\| (?:the|it) /gm)];
  assertEquals(reasons.map(([, reason]) => reason), [...DROP_REASONS]);
});

Deno.test("protocol.md has the limits and the reserved names", () => {
  assert(PAGE.includes(`${MAX_CONTROL_LENGTH.toLocaleString("en")} characters`));
  assert(PAGE.includes(RESERVED_NAMES.map((name) => `\`${name}\``).join(", ")));
});

Deno.test("protocol.md's example is made of valid messages", () => {
  const lines = [...PAGE.matchAll(/^([<>]) (.*)$/gm)].map(([, side, message]) => ({
    decode: side === ">" ? decodeClientMessage : decodeServerMessage,
    message: message!,
  }));
  assertEquals(lines.length, 16);
  for (const { decode, message } of lines) {
    if (message.startsWith("{")) {
      assertEquals(encodeControl(decode(message)), message);
    } else if (!message.startsWith("close")) {
      const digits = message.replaceAll(" ", "").match(/../g)!;
      const bytes = Uint8Array.from(digits, (byte) => parseInt(byte, 16));
      const { header, data } = decodeFrameMessage(bytes);
      assertEquals([header.sequence, header.captureUs], [1, 1_767_225_600_000_000]);
      assertEquals(encodeFrameMessage(header, data.slice()), bytes);
    }
  }
});

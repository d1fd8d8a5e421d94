// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { createLog } from "../../src/host/log.ts";

Deno.test("createLog cuts progress to the terminal's columns as they are then, between two parts", () => {
  let text = "";
  let columns: number | undefined = 26;
  const log = createLog({
    format: "text",
    write: (piece) => text += piece,
    isTerminal: true,
    columns: () => columns,
    wallMs: () => 0,
  });
  const shown = () => {
    text = "";
    log.progress("9 frames  30.0 fps  queue 1", {});
    return text.replaceAll("\x1b[J", "").replaceAll("\r", "|");
  };
  assertEquals(shown(), "|9 frames  30.0 fps|");
  columns = 28;
  assertEquals(shown(), "|9 frames  30.0 fps  queue 1|");
  columns = 5;
  assertEquals(shown(), "|9 fr|");
  columns = undefined;
  assertEquals(shown(), "|9 frames  30.0 fps  queue 1|");
});

function written(isTerminal: boolean, message: string): string {
  let text = "";
  const log = createLog({
    format: "text",
    write: (piece) => text += piece,
    isTerminal,
    wallMs: () => 0,
  });
  log.warn(message);
  log.progress(message, {});
  return text;
}

Deno.test("createLog lets no text from elsewhere steer the terminal", () => {
  const hostile = "codec \x1b]0;owned\x07\x9b2J\r\x7f is\ttwo\nlines\u202egnp.exe\u2028";
  const harmless = "codec \\x1b]0;owned\\x07\\x9b2J\\r\\x7f is\\ttwo\\nlines\\u202egnp.exe\\u2028";
  assertEquals(written(false, hostile), `warn: ${harmless}\n${harmless}\n`);
  assertEquals(written(true, hostile), `warn: ${harmless}\n\r\x1b[J${harmless}\r`);
});

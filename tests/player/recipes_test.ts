/** Texts to be copied: their addresses, quotes and endings. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bareConfig, type StreamConfig } from "../../src/core/frame.ts";
import { PIXEL_FORMATS } from "../../src/core/pixel_format.ts";
import { STREAM_FORMATS } from "../../src/core/stream_format.ts";
import { pictureFault } from "../../src/http/stream_pictures.ts";
import { LIVE_FILES } from "../../src/media/live_files.ts";
import {
  endingOf,
  preparations,
  publishRecipes,
  shellWord,
  type Subject,
  watchRecipes,
} from "../../src/player/recipes.ts";

const HERE = new URL("http://127.0.0.1:8080/");

function subject(fields: Partial<Subject> = {}): Subject {
  return { base: HERE, name: "cam", needsToken: false, ...fields };
}

/** All texts, by program. */
function texts(fields: Partial<Subject> = {}): Record<string, string> {
  const all = [...watchRecipes(subject(fields)), ...publishRecipes(subject(fields))];
  return Object.fromEntries(
    all.map(({ tool, text }, index) => [index < 8 ? tool : `publish ${tool}`, text]),
  );
}

Deno.test("recipes name the address that the page is from", () => {
  const { VLC, stream, "publish curl": curl, "publish OBS": obs, "<stream-player>": page } = texts({
    base: new URL("https://example.org/video/"),
    format: "h264",
  });
  assertEquals(VLC, "vlc --network-caching=300 https://example.org/video/cam.mkv");
  assertEquals(stream, "stream watch wss://example.org/video/cam");
  assert(curl!.endsWith(" | curl -sS -T - https://example.org/video/cam"), curl);
  assertStringIncludes(obs!, "File path or URL: https://example.org/video/cam\n");
  assertStringIncludes(page!, '<stream-player src="wss://example.org/video/cam">');
  // Some shells take brackets for a pattern.
  assertEquals(
    texts({ base: new URL("http://[::1]:8080/") }).VLC,
    "vlc --network-caching=300 'http://[::1]:8080/cam.mkv'",
  );
});

Deno.test("recipes have any name as one word of a shell, of Python and of HTML", async () => {
  for (
    const name of ["two words", `it's "$HOME" \`id\` $(id);&|<b>\\!`, "Küche 🎥", "*~?#[a]", "-x"]
  ) {
    // Of a prefix, a browser escapes less than of a name.
    const base = new URL("http://127.0.0.1:8080/a'b&c$(d);e!/");
    const all = texts({ base, name, format: "h264" });
    const url = base.href + encodeURIComponent(name);
    const { OpenCV, "publish OpenCV": publishing, "<stream-player>": page } = all;
    for (
      const [text, address] of [[all.VLC!, `${url}.mkv`], [all["publish ffmpeg, a file"]!, url]]
    ) {
      const words = await shellWords(text!);
      assertEquals(words.at(-1), address);
      assert(!words.slice(0, -1).some((word) => word.includes("/a")), text);
    }
    assertStringIncludes(OpenCV!, `VideoCapture("${url}.mkv")\n`);
    assertStringIncludes(publishing!, `Request("${url}", data`);
    const socket = url.replace("http", "ws").replaceAll("&", "&amp;");
    assertStringIncludes(page!, `<stream-player src="${socket}"></stream-player>`);
  }
  assertEquals(shellWord("it's"), `'it'\\''s'`);
});

/** The words of a command, as a shell has them. */
async function shellWords(command: string): Promise<string[]> {
  const words = `set -- ${command}; for word; do printf '%s\\0' "$word"; done`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", words] }).output();
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}

Deno.test("recipes have an ending that the relay gives the stream", () => {
  const configs: StreamConfig[] = STREAM_FORMATS.flatMap((format) => {
    const config = { ...bareConfig(format), width: 64, height: 48 };
    if (format === "y4m") {
      return [{ ...config, header: "YUV4MPEG2 W64 H48", pixelFormat: "yuv420p" }];
    }
    if (format === "lp32") {
      return [config, { ...config, codec: "jpeg" }, { ...config, codec: "png" }];
    }
    if (format !== "raw") return [config];
    return PIXEL_FORMATS.map((pixelFormat) => ({ ...config, codec: "raw", pixelFormat }));
  });
  for (const config of configs) {
    const ending = endingOf(subject(config));
    const what = `${config.format} ${config.codec} ${config.pixelFormat} as ${ending}`;
    if (ending === undefined) {
      assertEquals([config.format, config.codec], ["lp32", null], what);
      assert(!watchRecipes(subject(config)).some(({ text }) => text.includes("http:")), what);
    } else if (ending === "mjpeg") {
      assertEquals(pictureFault("cam", config, "jpeg"), undefined, what);
    } else {
      assert(LIVE_FILES[ending]!.holds(config), what);
    }
  }
  assertEquals(endingOf(subject({ format: "vp9" })), "webm");
  assertEquals(endingOf(subject({ format: "raw", pixelFormat: "rgb24" })), "mjpeg");
  assertEquals(endingOf(subject({ format: "raw", pixelFormat: "yuv420p" })), "y4m");
});

Deno.test("recipes say where a token goes, where there is one, and in no address", () => {
  const bare = JSON.stringify([texts({ format: "h264" }), preparations(subject())]);
  assert(!/token/i.test(bare), bare);
  for (const [tool, text] of Object.entries(texts({ format: "h264", needsToken: true }))) {
    assert(/TOKEN|token =/.test(text), `${tool}: ${text}`);
    assert(!/https?:\S*token/i.test(text), text);
  }
  const [first, ...others] = preparations(subject({ needsToken: true }));
  assertStringIncludes(first!, 'export TOKEN="$(cat token.txt)"');
  assertEquals(others, []);
});

Deno.test("recipes say what a certificate of the relay's own needs, with TLS alone", () => {
  const [first] = preparations(subject({ base: new URL("https://box.local:8080/") }));
  assertStringIncludes(first!, "curl --cacert cert.pem");
  assertEquals(preparations(subject()), []);
});

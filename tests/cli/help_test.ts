// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { run } from "../program.ts";
import { runHere } from "./run_here.ts";

/** The flags of a relay, which `serve` and `demo` have, as in {@linkcode COMMANDS}. */
const RELAY: Readonly<Record<string, string>> = {
  "--host ADDRESS": "[127.0.0.1] (STREAM_HOST)",
  "--port N": "[8080] (STREAM_PORT)",
  "--listener deno|node": "(STREAM_LISTENER)",
  "--fps N|source": "[30] (STREAM_FPS)",
  "--allow-origin ORIGINS": "(STREAM_ALLOW_ORIGIN)",
  "--host-name NAMES": "(STREAM_HOST_NAME)",
  "--buffer TIME": "[5s] (STREAM_BUFFER)",
  "--max-frame SIZE": "[16MiB] (STREAM_MAX_FRAME)",
  "--max-memory SIZE": "[512MiB] (STREAM_MAX_MEMORY)",
  "--max-viewers N": "[10000] (STREAM_MAX_VIEWERS)",
  "--max-streams N": "[100] (STREAM_MAX_STREAMS)",
  "--stall-timeout TIME": "[10s] (STREAM_STALL_TIMEOUT)",
  "--max-connections N": "[11000] (STREAM_MAX_CONNECTIONS)",
  "--max-per-address N": "[256] (STREAM_MAX_PER_ADDRESS)",
  "--max-handshakes N": "[100] (STREAM_MAX_HANDSHAKES)",
  "--max-messages N": "[20000] (STREAM_MAX_MESSAGES)",
  "--max-unread SIZE": "[1MiB] (STREAM_MAX_UNREAD)",
  "--max-awaited N": "[1000] (STREAM_MAX_AWAITED)",
  "--max-rate SIZE": "(STREAM_MAX_RATE)",
  "--max-viewer-rate SIZE": "(STREAM_MAX_VIEWER_RATE)",
  "--header-timeout TIME": "[5s] (STREAM_HEADER_TIMEOUT)",
  "--body-timeout TIME": "[10s] (STREAM_BODY_TIMEOUT)",
  "--idle-timeout TIME": "[1m] (STREAM_IDLE_TIMEOUT)",
  "--close-timeout TIME": "[2s] (STREAM_CLOSE_TIMEOUT)",
  "--trusted-proxy NETWORKS": "(STREAM_TRUSTED_PROXY)",
};

/** The flags of all that connect to a relay. */
const PASS: Readonly<Record<string, string>> = {
  "--token VALUE|@FILE": "(STREAM_TOKEN)",
  "--ca FILE": "(STREAM_CA)",
};

/** What a flag's line of help ends with: its default, if it has one, and its variable. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  serve: {
    ...RELAY,
    "--tls self-signed": "(STREAM_TLS)",
    "--tls-cert FILE": "(STREAM_TLS_CERT)",
    "--tls-key FILE": "(STREAM_TLS_KEY)",
    "--open": "(STREAM_OPEN)",
    "--publish-token VALUE|@FILE": "(STREAM_PUBLISH_TOKEN)",
    "--watch-token VALUE|@FILE": "(STREAM_WATCH_TOKEN)",
    "--admin-token VALUE|@FILE": "(STREAM_ADMIN_TOKEN)",
    "--metrics-token VALUE|@FILE": "(STREAM_METRICS_TOKEN)",
    "--token-key FILE": "(STREAM_TOKEN_KEY)",
    "--auth-url URL": "(STREAM_AUTH_URL)",
    "--revoked FILE": "(STREAM_REVOKED)",
    "--workers N|auto": "[1] (STREAM_WORKERS)",
  },
  publish: {
    "--input FILE": "(STREAM_INPUT)",
    "--pace timestamps|relay": "[timestamps] (STREAM_PACE)",
    "--loop": "(STREAM_LOOP)",
    "--test-pattern [WxH]": "(STREAM_TEST_PATTERN)",
    "--format FORMAT": "[auto] (STREAM_FORMAT)",
    "--size WxH": "(STREAM_SIZE)",
    "--pixel-format NAME": "(STREAM_PIXEL_FORMAT)",
    "--frame-size BYTES": "(STREAM_FRAME_SIZE)",
    "--max-frame SIZE": "[16MiB] (STREAM_MAX_FRAME)",
    "--strict": "(STREAM_STRICT)",
    "--on-full wait|drop": "[wait] (STREAM_ON_FULL)",
    "--live, --no-live": "(STREAM_LIVE)",
    "--takeover": "(STREAM_TAKEOVER)",
    "--give-up TIME": "[1m] (STREAM_GIVE_UP)",
    ...PASS,
  },
  watch: {
    "-o, --output WHERE": "(STREAM_OUTPUT)",
    "--segment TIME": "(STREAM_SEGMENT)",
    "--count N": "(STREAM_COUNT)",
    "--duration TIME": "(STREAM_DURATION)",
    "--every N": "[1] (STREAM_EVERY)",
    "--fps N": "(STREAM_WATCH_FPS)",
    "--max-delay TIME": "[500ms] (STREAM_MAX_DELAY)",
    "--follow": "(STREAM_FOLLOW)",
    "--overwrite": "(STREAM_OVERWRITE)",
    ...PASS,
  },
  fps: PASS,
  bench: {
    "--viewers N": "[100] (STREAM_BENCH_VIEWERS)",
    "--stalled N": "[0] (STREAM_STALLED)",
    "--slow N": "[0] (STREAM_SLOW)",
    "--size SIZE": "[100kB] (STREAM_BENCH_SIZE)",
    "--fps N": "[30] (STREAM_BENCH_FPS)",
    "--join-fps N": "(STREAM_JOIN_FPS)",
    "--viewers-only": "(STREAM_VIEWERS_ONLY)",
    "--bare": "(STREAM_BARE)",
    "--duration TIME": "[10s] (STREAM_BENCH_DURATION)",
    "--workers N|auto": "[1] (STREAM_BENCH_WORKERS)",
    "--json": "(STREAM_JSON)",
    ...PASS,
  },
  kick: {
    "--viewer ID": "(STREAM_VIEWER)",
    "--publisher": "(STREAM_PUBLISHER)",
    "--reason TEXT": "(STREAM_REASON)",
    ...PASS,
  },
  list: { "--json": "(STREAM_JSON)", "--viewers": "(STREAM_VIEWERS)", ...PASS },
  demo: {
    ...RELAY,
    "--open": "(STREAM_OPEN)",
    "--duration TIME": "(STREAM_DURATION)",
  },
  token: {
    "--key FILE": "(STREAM_KEY)",
    "--publish PATTERNS": "(STREAM_PUBLISH)",
    "--watch PATTERNS": "(STREAM_WATCH)",
    "--admin PATTERNS": "(STREAM_ADMIN)",
    "--metrics PATTERNS": "(STREAM_METRICS)",
    "--expires TIME": "(STREAM_EXPIRES)",
    "--new-key FILE": "(STREAM_NEW_KEY)",
  },
};
const ALL_COMMANDS = { "--log FORMAT": "[text] (STREAM_LOG)", "-h, --help": "show this help" };

const decoder = new TextDecoder();

/** Standard output of a run that does what it should and says nothing else. */
async function shown(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(args);
  assertEquals([code, stderr], [0, ""], args.join(" "));
  return decoder.decode(stdout);
}

Deno.test("stream alone shows every command, the default address and the exit codes", async () => {
  const help = await shown();
  for (const name of Object.keys(COMMANDS)) {
    assertMatch(help, RegExp(`^  stream ${name} +\\S`, "m"));
  }
  assertStringIncludes(help, "ws://127.0.0.1:8080/live");
  assertMatch(help, /0 done, 1 failed while running, 2 usage, 3 cannot connect or bind/);
  assertMatch(help, /4 refused \(credentials\), 5 bad input/);
});

Deno.test("stream help, --help and -h say the same as stream alone", async () => {
  const help = await shown();
  for (const args of ["help", "--help", "-h"]) assertEquals(await shown(args), help);
});

Deno.test("stream --version is the version in deno.json", async () => {
  const { code, stdout, stderr } = await run(["--version"]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(decoder.decode(stdout), `stream ${config.version}\n`);
});

for (const [name, flags] of Object.entries(COMMANDS)) {
  Deno.test(`stream help ${name} shows each flag with its default and its variable`, async () => {
    const help = await shown("help", name);
    const expected = { ...flags, ...ALL_COMMANDS };
    const rows = [
      ...help.matchAll(/^ {2}((?:-\w, )?--\S+(?: --no-\S+| \[?[A-Za-z|@-]+\]?)?) {2,}(.*)$/gm),
    ];
    assertEquals(rows.map(([, flag]) => flag), Object.keys(expected));
    for (const [, flag, rest] of rows) {
      const end = expected[flag as keyof typeof expected];
      assertEquals(rest!.slice(-end.length), end, flag);
      assertEquals(rest!.includes("["), end.includes("["), `${flag} has no other default`);
    }
    assertMatch(help, RegExp(`^usage: stream ${name} `, "m"));
    assertMatch(help, RegExp(`^  stream ${name}\\b|\\| stream ${name}\\b`, "m"), "an example");
  });

  Deno.test(`stream ${name} --help says the same as stream help ${name}`, async () => {
    const help = await shown("help", name);
    assertEquals(await shown(name, "--help"), help);
    assertEquals(await shown(name, "-h"), help);
  });
}

Deno.test("stream COMMAND --help looks at no other flag", async () => {
  assertEquals(await shown("serve", "--port", "x", "--help"), await shown("help", "serve"));
});

Deno.test("stream help protocol writes the protocol's page, and with --vectors its test vectors", async () => {
  const read = (path: string) => Deno.readFile(new URL(`../../${path}`, import.meta.url));
  const page = await run(["help", "protocol"]);
  assertEquals([page.code, page.stdout], [0, await read("docs/protocol.md")]);
  const { code, stdout } = await run(["help", "protocol", "--vectors"]);
  assertEquals([code, stdout], [0, await read("src/wire/vectors.json")]);
  const wrong = await run(["help", "protocol", "--vector"]);
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "did you mean --vectors?");
});

/** Each recipe of docs/security.md works: a frame goes through it, and no stranger gets one. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { has, needs } from "../ffmpeg.ts";
import { ROOT, start } from "../program.ts";
import { get } from "../server/tls.ts";
import { eventually, soon } from "../waiting.ts";
import { blocks, Desk, withOthers } from "./desk.ts";

const NO_OPENSSL = await has("openssl", "version") ? undefined : "openssl is not installed";
const NO_PYTHON = await has("python3", "--version") ? undefined : "Python is not installed";

const NEEDS_TOKEN = /needs a token, and none came$/;

Deno.test("the recipe for a desk lets this machine publish and watch, and nobody else", async () => {
  await using desk = await Desk.make();
  const [serve, publish] = blocks("One camera", "sh");
  await using relay = await desk.relay(serve!);
  const place = `127.0.0.1:${relay.port}`;
  await using _camera = desk.shell(withOthers(publish!, { "127.0.0.1:8080": place }));
  assertEquals((await desk.watch(`ws://${place}/cam`))[0], 0);
  const answer = async (init: RequestInit) => {
    const response = await fetch(`http://${place}/api/streams/cam`, init);
    await response.body?.cancel();
    return response.status;
  };
  const headers = { origin: "https://elsewhere.example" };
  assertEquals(await answer({ method: "PATCH", body: '{"fps":1}', headers }), 403);
  for (const { address, family } of Deno.networkInterfaces()) {
    if (family !== "IPv4" || address.startsWith("127.")) continue;
    const connecting = Deno.connect({ hostname: address, port: Number(relay.port) });
    assertEquals(await connecting.then((open) => open.close(), () => "nobody"), "nobody", address);
  }
});

Deno.test(
  needs(NO_OPENSSL, "the recipe for a house lets everybody watch, and only the camera publish"),
  async () => {
    await using desk = await Desk.make();
    const [, , serve, publish] = blocks("One camera", "sh");
    desk.env.XDG_STATE_HOME = `${desk.folder}/state`;
    await using relay = await desk.relay(serve!);
    const [, cert] = await relay.process.said(/(\/\S+\/cert\.pem)/);
    await desk.write("cert.pem", await Deno.readTextFile(cert!));
    const place = `localhost:${relay.port}`;
    const url = `wss://${place}/cam`;
    await using _camera = desk.shell(withOthers(publish!, { "192.0.2.1:8080": place }));
    desk.env.STREAM_CA = cert!;
    assertEquals((await desk.watch(url))[0], 0);
    for (const token of [[], ["--token", "guessed"]]) {
      const stranger = ["publish", url, "--test-pattern", "--takeover", ...token];
      const { code, stderr } = await desk.stream(...stranger);
      assertEquals(code, 4, stderr);
      assertEquals((await desk.stream("fps", url, "1", ...token)).code, 4);
    }
  },
);

Deno.test(
  needs(NO_OPENSSL, "the recipe for a team lets in who has a secret, until there is another"),
  async () => {
    await using desk = await Desk.make();
    await desk.certify();
    const [serve, publish, watch, change] = blocks("One team", "sh");
    await using relay = await desk.relay(serve!);
    assertEquals((await Deno.stat(`${desk.folder}/watch.txt`)).mode! & 0o777, 0o600);
    const place = `127.0.0.1:${relay.port}`;
    const other = { "video.example.org:8080": place };
    const url = `wss://${place}/cam`;
    await using camera = desk.shell(withOthers(publish!, other));
    await desk.done(withOthers(watch!, other));
    await desk.takeFrame("now.png");
    const [code, said] = await desk.watch(url);
    assertEquals(code, 4);
    assertMatch(said, NEEDS_TOKEN);

    const old = await desk.read("watch.txt");
    await using leaving = start(["watch", url, "--output", "-", "--token", old], { env: desk.env });
    await viewed(desk, place, old);
    await desk.done(change!);
    const left = await leaving.outcome;
    assertEquals(left.code, 4, left.stderr);
    assertMatch(left.stderr, /the token was revoked\n$/);
    await desk.done(withOthers(watch!, other));
    await desk.takeFrame("now.png");
    assertEquals(camera.isOver, false, camera.stderr);
  },
);

Deno.test("the recipe for a team lets in who has a token, until it expires or is revoked", async () => {
  await using desk = await Desk.make();
  await desk.certify();
  const [, , , , serve, sign, publish, revoke] = blocks("One team", "sh");
  await using relay = await desk.relay(serve!);
  const place = `127.0.0.1:${relay.port}`;
  const url = `wss://${place}/cam`;
  const signed = await desk.done(sign!);
  const [, ada] = [...signed.matchAll(/its id, for --revoked, is (\S+)/g)].map(([, id]) => id!);
  await using _camera = desk.shell(withOthers(publish!, { "video.example.org:8080": place }));
  const withAda = ["--token", `@ada.txt`];
  assertEquals((await desk.watch(url, ...withAda))[0], 0);
  assertEquals((await desk.watch(url))[0], 4);
  assertMatch((await desk.watch(`wss://${place}/garage`, ...withAda))[1], /not for this stream/);
  const pushed = await desk.stream("publish", url, "--test-pattern", ...withAda);
  assertEquals(pushed.code, 4, pushed.stderr);

  await desk.done(withOthers(sign!, { "ada.txt": "brief.txt", "12h": "1s" }));
  const expired = await desk.stream("watch", url, "--output", "-", "--token", "@brief.txt");
  assertEquals(expired.code, 4);
  assertMatch(expired.stderr, /the token has expired\n$/);

  await using leaving = start(["watch", url, "--output", "-", ...withAda], {
    cwd: desk.folder,
    env: desk.env,
  });
  await viewed(desk, place, await desk.read("ada.txt"));
  const [, id] = /echo (\S+) /.exec(revoke!)!;
  await desk.done(withOthers(revoke!, { [id!]: ada! }));
  const left = await leaving.outcome;
  assertEquals(left.code, 4, left.stderr);
  assertMatch(left.stderr, /the token was revoked\n$/);
});

/** Waits until the stream `cam` has a viewer. */
async function viewed(desk: Desk, place: string, token: string): Promise<void> {
  const ca = await desk.read("fullchain.pem");
  const headers = { authorization: `Bearer ${token}` };
  await eventually("a viewer", async () => {
    const { text } = await get(`https://${place}/api/streams/cam`, ca, headers);
    return JSON.parse(text).viewers === 1;
  });
}

/** A relay that takes what `key.json` signs, with a publisher of `cam`. */
async function signing() {
  const desk = await Desk.make();
  await desk.done("stream token --new-key key.json");
  await desk.done("stream token --key key.json --publish cam > camera.txt");
  const relay = await desk.relay("stream serve --token-key key.json");
  const url = `ws://127.0.0.1:${relay.port}/cam`;
  const camera = desk.shell(`stream publish --test-pattern --token @camera.txt ${url}`);
  return {
    desk,
    url,
    /** Checks what a program with the key prints: a token, and one that has expired. */
    check: async ({ code, stdout, stderr }: Awaited<ReturnType<typeof output>>) => {
      assertEquals(code, 0, stderr);
      const [token, expired] = stdout.trim().split("\n");
      assertEquals((await desk.watch(url, "--token", token!))[0], 0);
      const [late, said] = await desk.watch(url, "--token", expired!);
      assertEquals(late, 4);
      assertMatch(said, /the token has expired$/);
      const elsewhere = await desk.watch(url.replace("cam", "garage"), "--token", token!);
      assertMatch(elsewhere[1], /the token is not for this stream$/);
      assertEquals((await desk.watch(url))[0], 4);
    },
    [Symbol.asyncDispose]: async () => {
      await camera[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
      await desk[Symbol.asyncDispose]();
    },
  };
}

/** What a program writes, and how it ends. */
async function output(desk: Desk, command: string, ...args: string[]) {
  const { code, stdout, stderr } = await soon(
    command,
    new Deno.Command(command, { args, cwd: desk.folder, env: desk.env }).output(),
  );
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("the recipe in TypeScript makes tokens that the relay takes until they expire", async () => {
  await using scene = await signing();
  const { desk, check } = scene;
  const [code] = blocks("Tokens from your own web application", "ts");
  await desk.write("tokens.ts", code!);
  await desk.write("late.ts", withOthers(code!, { '"1h"': '"1s ago"' }));
  await desk.write(
    "main.ts",
    'import { tokenFor } from "./tokens.ts";\nimport { tokenFor as late } from "./late.ts";\n' +
      'console.log(await tokenFor("ada", ["cam"]));\nconsole.log(await late("ada", ["cam"]));\n',
  );
  const args = [
    "run",
    "--quiet",
    "--check",
    `--config=${ROOT}deno.json`,
    "--frozen",
    "--allow-all",
  ];
  await check(await output(desk, Deno.execPath(), ...args, "main.ts"));
});

Deno.test(
  needs(NO_PYTHON, "the recipe in Python makes tokens that the relay takes until they expire"),
  async () => {
    await using scene = await signing();
    const { desk, check } = scene;
    const [code] = blocks("Tokens from your own web application", "python");
    await desk.write("tokens.py", code!);
    const script = 'from tokens import token_for\nprint(token_for("ada", ["cam"]))\n' +
      'print(token_for("ada", ["cam"], seconds=-1))\n';
    await check(await output(desk, "python3", "-c", script));
  },
);

Deno.test("the recipe for systemd has its secrets in files, and takes new ones on a reload", async () => {
  await using desk = await Desk.make();
  await desk.certify();
  const [unit] = blocks("A service of systemd", "ini");
  const here = withOthers(unit!, {
    "/etc/stream": desk.folder,
    "/usr/local/bin": `${desk.folder}/bin`,
  });
  const values = (name: string) =>
    [...here.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value!);
  for (const each of values("Environment").flatMap((line) => line.split(" "))) {
    const [name, ...value] = each.split("=");
    desk.env[name!] = value.join("=");
  }
  await desk.write("publish.txt", "pub");
  await desk.write("watch.txt", "see");
  await using relay = await desk.relay(`exec ${values("ExecStart")[0]}`);
  const url = `wss://127.0.0.1:${relay.port}/cam`;
  const publish = `stream publish --test-pattern --token @publish.txt ${url}`;
  await using _camera = desk.shell(publish);
  assertEquals((await desk.watch(url, "--token", "see"))[0], 0);
  assertEquals((await desk.watch(url))[0], 4);
  await desk.write("watch.txt", "new");
  await desk.done(withOthers(values("ExecReload")[0]!, {
    "/bin/kill": "kill",
    "$MAINPID": `${relay.process.pid}`,
  }));
  await relay.process.said(/read \S+watch\.txt again/);
  assertEquals((await desk.watch(url, "--token", "see"))[0], 4);
  assertEquals((await desk.watch(url, "--token", "new"))[0], 0);
});

Deno.test("docs/security.md has no recipe that is not tried", () => {
  const page = Deno.readTextFileSync(`${ROOT}docs/security.md`);
  const recipes = page.split("\n## Recipes\n")[1]!.split("\n## ")[0]!;
  const found = [...recipes.matchAll(/^```(\w+)$/gm)].map(([, language]) => language);
  const count = (language: string) => found.filter((each) => each === language).length;
  assertEquals(
    Object.fromEntries(["sh", "caddyfile", "ts", "python", "ini"].map((l) => [l, count(l)])),
    { sh: 4 + 8 + 2, caddyfile: 1, ts: 1, python: 1, ini: 1 },
  );
  assertEquals(found.length, 18);
});

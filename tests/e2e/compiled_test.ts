// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { decode } from "fast-png";
import { jpegs, makeFolder } from "../cli/folder.ts";
import { fileOf, h264Shots, readFile } from "../media/files.ts";
import { ROOT, run, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { ASSETS } from "../../src/http/assets.ts";
import { relayed } from "./relayed.ts";
import { eventually } from "../waiting.ts";

/** Why there is no executable, or its path. */
const compiled = await compile();

async function compile(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const folder = await Deno.makeTempDir({ prefix: "stream_compiled_" });
  const path = `${folder}/stream`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile", "--output", path],
    cwd: ROOT,
  }).output();
  if (code === 0) return { path };
  await Deno.remove(folder, { recursive: true });
  const text = new TextDecoder().decode(stderr);
  if (/denort|dns error|error sending request/.test(text)) {
    return { missing: "Deno's runtime for executables cannot be had; DENORT_BIN names one" };
  }
  throw new Error(`the program does not compile: ${text}`);
}

// Without a runtime to build on, not even CI can run this; with one that is named, nobody skips it.
const isSkipped = "missing" in compiled && Deno.env.get("DENORT_BIN") === undefined;

Deno.test({
  name: `The executable${isSkipped ? ` (skipped: ${compiled.missing})` : ""}`,
  ignore: isSkipped,
  fn: async (t) => {
    if (!("path" in compiled)) throw new Error(compiled.missing);
    await using folder = await makeFolder();
    const { path: cwd } = folder;
    // No deno on the PATH, no cache, nothing of the checkout.
    const options = {
      program: [compiled.path],
      clearEnv: true,
      env: { PATH: "/nonexistent" },
      cwd,
    };

    await t.step("does the main job", async () => {
      await using relay = await startRelay(["--fps", "100"], options);
      const frames = jpegs(20, 10_000);
      await relayed(relay, { input: concat(...frames), cwd, options });
      assertEquals(await folder.files("frames"), frames);
    });
    await t.step("makes a certificate of its own, and uses it again", async () => {
      await using state = await makeFolder();
      const own = async () => {
        await using relay = start(["serve", "--port", "0", "--tls", "self-signed"], {
          ...options,
          env: { ...options.env, XDG_STATE_HOME: state.path },
        });
        const [, port] = await relay.said(/listening on https:\/\/\S+:(\d+) /);
        const [, ca, fingerprint] = await relay.said(/--ca (\S+) .*fingerprint is (\S+)\n/);
        const list = await run(["list", `https://127.0.0.1:${port}`, "--ca", ca!], options);
        assertEquals(list.code, 0, list.stderr);
        return fingerprint;
      };
      assertEquals(await own(), await own());
    });
    await t.step("leaves no cache of its code, which others could replace", async () => {
      await using temporary = await makeFolder();
      const env = { ...options.env, TMPDIR: temporary.path };
      // Deno writes one when a first run is over, and completes it with the second.
      for (let count = 0; count < 2; count++) {
        const { code, stderr } = await run(["demo", "--port", "0", "--duration", "1s"], {
          ...options,
          env,
        });
        assertEquals(code, 0, stderr);
      }
      assertEquals(await Array.fromAsync(Deno.readDir(temporary.path)), []);
    });
    await t.step("makes a test pattern and writes PNG files of raw pixels", async () => {
      await using relay = await startRelay([], options);
      await using watch = start(["watch", relay.url(), "-o", "%d.png", "--count", "2"], options);
      await relay.watchedBy(watch);
      await using _publish = start(
        ["publish", relay.url(), "--test-pattern", "--format", "raw"],
        options,
      );
      const { code, stderr } = await watch.outcome;
      assertEquals(code, 0, stderr);
      assertEquals(decode(await Deno.readFile(`${cwd}/2.png`)).width, 640);
      relay.process.kill("SIGTERM");
      assertEquals((await relay.process.outcome).code, 0);
    });
    await t.step("publishes a media file and records it", async () => {
      await using relay = await startRelay(["--fps", "source"], options);
      const shots = h264Shots(20);
      await Deno.writeFile(`${cwd}/in.mp4`, fileOf("in.mp4", shots));
      const publish = ["--input", "in.mp4", "--pace", "relay"];
      await relayed(relay, { publish, watch: ["-o", "out.mkv"], cwd, options });
      const { frames, error } = await readFile(`${cwd}/out.mkv`);
      assertEquals(error, undefined);
      assertEquals(frames.map(({ data }) => data), shots.map(({ data }) => data));
    });
    await t.step("carries its pages, and converts pictures in a thread", async () => {
      await using relay = await startRelay([], options);
      const address = relay.url().replace("ws:", "http:");
      const page = await fetch(address, { headers: { accept: "text/html" } });
      assertEquals(await page.text(), ASSETS.get("player.html")!.content);
      for (const path of ["player/player.ts", "wire/viewer_session.ts"]) {
        const script = await fetch(`${new URL("/assets/", address)}${path}`);
        assertEquals(await script.text(), ASSETS.get(path)!.content);
      }
      await using publish = start(["publish", relay.url(), "--test-pattern"], options);
      const picture = await eventually("a picture", async () => {
        const answer = await fetch(`${address}.jpg`);
        if (answer.status !== 404) return answer;
        await answer.body?.cancel();
        return undefined;
      });
      const jpeg = new Uint8Array(await picture.arrayBuffer());
      assertEquals(jpeg.subarray(0, 2), Uint8Array.of(0xff, 0xd8));
      publish.kill("SIGTERM");
      assertEquals((await publish.outcome).code, 0);
    });
    await t.step("shows its help and version, and refuses what it does not know", async () => {
      const help = await run(["help", "serve"], options);
      assert(new TextDecoder().decode(help.stdout).includes("--max-frame SIZE"));
      assertEquals((await run(["--version"], options)).code, 0);
      assertEquals((await run(["serve", "--prot", "1"], options)).code, 2);
    });
    await t.step("loads a relay of its own and one elsewhere, in threads", async () => {
      const args = ["bench", "--json", "--viewers", "4", "--workers", "2", "--duration", "200ms"];
      await using relay = await startRelay([], options);
      for (const url of [[], [relay.url()]]) {
        const { code, stdout, stderr } = await run([...args, ...url], options);
        assertEquals(code, 0, stderr);
        const { delivered, failed } = JSON.parse(new TextDecoder().decode(stdout));
        assert(delivered.frames > 0);
        assertEquals(failed, 0);
      }
    });
    await t.step("runs the demo", async () => {
      assertEquals((await run(["demo", "--port", "0", "--duration", "300ms"], options)).code, 0);
    });
    await Deno.remove(compiled.path.replace(/\/stream$/, ""), { recursive: true });
  },
});

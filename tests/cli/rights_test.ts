/** What each command can still do once it is at work. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { openWorker } from "../../src/host/thread.ts";
import { encodePng } from "../../src/picture/png.ts";
import { Client, startRelay } from "../server/fixture.ts";
import { PERMISSIONS, ROOT, startRelay as startProgram } from "../program.ts";
import { soon } from "../waiting.ts";

const NOTHING = { write: false, read: false, run: false, env: false, sys: false, net: false };

/** What the program may do while it runs with `args`, after it had every right. */
async function rightsOf(rights: readonly string[], args: readonly string[]) {
  const folder = await Deno.makeTempDir();
  try {
    const { stdout, stderr } = await soon(
      "the probe",
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--no-prompt",
          `--config=${ROOT}deno.json`,
          ...rights,
          `${ROOT}tests/cli/rights_probe.ts`,
          folder,
          ...args,
        ],
        env: { STREAM_HOST: "127.0.0.1", XDG_STATE_HOME: folder },
        stdin: "null",
      }).output(),
    );
    const text = new TextDecoder().decode(stdout);
    if (text === "") throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (
  const [command, rights, kept] of [
    ["serve", ["--allow-all"], { read: true, net: true }],
    ["serve", PERMISSIONS, { read: true, net: true }],
    ["serve --tls self-signed", ["--allow-all"], { read: true, net: true }],
    ["serve --tls self-signed", PERMISSIONS, { read: true, net: true }],
    ["publish", PERMISSIONS, { read: true, env: true, net: true }],
    ["watch", PERMISSIONS, { read: true, write: true, env: true, net: true }],
    ["list", PERMISSIONS, { env: true, net: true }],
    ["fps", ["--allow-all"], { env: true, net: true }],
    ["kick", ["--allow-all"], { env: true, net: true }],
  ] as const
) {
  Deno.test(`stream ${command} gives up what it does not need of ${rights[0]}`, async () => {
    await using relay = await startRelay();
    const args = {
      serve: ["serve", "--port", "0"],
      "serve --tls self-signed": ["serve", "--port", "0", "--tls", "self-signed"],
      publish: ["publish", "ws://127.0.0.1:1/cam", "--test-pattern"],
      watch: ["watch", "ws://127.0.0.1:1/cam", "-o", "-"],
      list: ["list", relay.address],
      fps: ["fps", relay.url("/cam"), "10"],
      kick: ["kick", relay.url("/cam")],
    }[command];
    assertEquals(await rightsOf(rights, args), { ...NOTHING, ...kept });
  });
}

for (const listener of ["node", "deno"]) {
  Deno.test(`serve replaces threads, and they convert, with the rights that are left (${listener})`, async () => {
    await using relay = await startProgram(["--workers", "2", "--listener", listener], {
      program: [
        Deno.execPath(),
        "run",
        "--quiet",
        "--no-prompt",
        `--config=${ROOT}deno.json`,
        ...PERMISSIONS,
        `${ROOT}tests/cli/lost_threads_probe.ts`,
      ],
    });
    await relay.process.said(/others listen/);
    await using publisher = await Client.open(`${relay.url("cam")}?role=publish`);
    const data = new Uint8Array(4 * 4 * 3);
    publisher.send(encodePng({ data, width: 4, height: 4, channels: 3 }));
    await relay.until("cam", ({ received }) => received.frames === 1);
    const picture = await fetch(`${relay.http}/cam.jpg`);
    assertEquals([picture.status, picture.headers.get("content-type")], [200, "image/jpeg"]);
    await picture.body?.cancel();
    relay.process.kill("SIGTERM");
    assertEquals((await relay.process.outcome).code, 0);
  });
}

Deno.test("a thread has no rights but those that it was given", async () => {
  const code = `postMessage(["net", "read", "write", "env", "sys", "run"].map((name) =>
    Deno.permissions.querySync({ name }).state === "granted"))`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const granted = async (rights: Parameters<typeof openWorker>[1]) => {
    const worker = openWorker(url, rights);
    const { promise, resolve } = Promise.withResolvers<boolean[]>();
    worker.onmessage = ({ data }) => resolve(data);
    try {
      return await soon("what the thread may do", promise);
    } finally {
      worker.terminate();
    }
  };
  assertEquals(await granted("none"), [false, false, false, false, false, false]);
  assertEquals(await granted("net"), [true, false, false, false, false, false]);
  assertEquals(await granted({ folder: "/nonexistent" }), Array(6).fill(false));
});

Deno.test("a thread that has a folder reads and writes there, and nowhere else", async () => {
  const parent = await Deno.makeTempDir();
  const [folder, other] = [`${parent}/own`, `${parent}/other`];
  await Deno.mkdir(folder);
  await Deno.mkdir(other);
  const code = `const can = (action) => { try { action(); return true; } catch { return false; } };
    onmessage = ({ data: [folder, other] }) => postMessage([
      can(() => Deno.writeTextFileSync(folder + "/a", "")), can(() => Deno.readTextFileSync(folder + "/a")),
      can(() => Deno.writeTextFileSync(other + "/a", "")), can(() => Deno.readDirSync(other).next()),
      can(() => Deno.symlinkSync(other, folder + "/link"))]);`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const worker = openWorker(url, { folder });
  const { promise, resolve } = Promise.withResolvers<boolean[]>();
  worker.onmessage = ({ data }) => resolve(data);
  try {
    worker.postMessage([folder, other]);
    assertEquals(await soon("what it may do", promise), [true, true, false, false, false]);
  } finally {
    worker.terminate();
    await Deno.remove(parent, { recursive: true });
  }
});

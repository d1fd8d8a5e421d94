/**
 * What docs/security.md says that one should do, done.
 *
 * @module
 */
import { program, ROOT, run, type Running, start } from "../program.ts";
import { certificate } from "../server/tls.ts";

const PAGE = Deno.readTextFileSync(`${ROOT}docs/security.md`);

/** The blocks of code of one language under a heading of the page, in their order. */
export function blocks(heading: string, language: string): string[] {
  const section = PAGE.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /)[0];
  if (section === undefined) throw new Error(`docs/security.md has no heading "${heading}"`);
  const found = section.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"));
  return [...found].map(([, code]) => code!);
}

/** `text` with others in the place of what it has; that has to be there. */
export function withOthers(text: string, others: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [from, to] of Object.entries(others)) {
    if (!result.includes(from)) throw new Error(`there is no ${from} in:\n${text}`);
    result = result.replaceAll(from, to);
  }
  return result;
}

/** A relay that a recipe has started. */
export interface RecipeRelay extends AsyncDisposable {
  readonly process: Running;
  readonly port: string;
}

/** A folder in which recipes are followed; the program is on the path as `stream`. */
export class Desk implements AsyncDisposable {
  readonly folder: string;
  /** Variables of all that is started here. */
  readonly env: Record<string, string>;

  private constructor(folder: string) {
    this.folder = folder;
    this.env = { PATH: `${folder}/bin:${Deno.env.get("PATH")}` };
  }

  static async make(): Promise<Desk> {
    const desk = new Desk(await Deno.makeTempDir());
    await Deno.mkdir(`${desk.folder}/bin`);
    const quoted = program().map((word) => `'${word}'`).join(" ");
    const mode = 0o755;
    await Deno.writeTextFile(`${desk.folder}/bin/stream`, `#!/bin/sh\nexec ${quoted} "$@"\n`, {
      mode,
    });
    return desk;
  }

  /** Puts a certificate for this machine there, which its clients then trust. */
  async certify(): Promise<void> {
    const { cert, key } = await certificate();
    await this.write("fullchain.pem", cert);
    await this.write("privkey.pem", key);
    this.env.STREAM_CA = `${this.folder}/fullchain.pem`;
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  async read(name: string): Promise<string> {
    return (await Deno.readTextFile(`${this.folder}/${name}`)).trim();
  }

  /** Starts a block for a shell. */
  shell(code: string): Running {
    // A signal is for the program that stays, not for the shell.
    const staying = code.replace(/^stream (serve|publish|watch)/gm, "exec stream $1");
    return start([], {
      program: ["bash", "-euc", staying],
      cwd: this.folder,
      env: this.env,
    });
  }

  /** Runs a block for a shell to its end, which has to be a good one. Returns what it has said. */
  async done(code: string): Promise<string> {
    await using running = this.shell(code);
    const { code: status, stderr } = await running.outcome;
    if (status !== 0) throw new Error(`${code} ended with ${status}:\n${stderr}`);
    return stderr;
  }

  /** Runs the program. */
  async stream(...args: string[]): ReturnType<typeof run> {
    return await run(args, { cwd: this.folder, env: this.env });
  }

  /** Starts a block that ends with a relay, on a free port. */
  async relay(code: string): Promise<RecipeRelay> {
    this.env.STREAM_PORT = "0";
    const process = this.shell(code);
    const [, port] = await process.said(/listening on https?:\/\/\S+:(\d+) /);
    return { process, port: port!, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  }

  /** Whether a viewer gets a frame: the exit code, and the last line. */
  async watch(url: string, ...args: string[]): Promise<readonly [code: number, said: string]> {
    const output = ["--count", "1", "--overwrite", "--output", "frame.png"];
    const { code, stderr } = await this.stream("watch", url, ...output, ...args);
    if (code === 0) await this.takeFrame("frame.png");
    return [code, stderr.trim().split("\n").at(-1)!];
  }

  /** Takes a picture that has to be there. */
  async takeFrame(name: string): Promise<void> {
    const bytes = await Deno.readFile(`${this.folder}/${name}`);
    if (new TextDecoder("latin1").decode(bytes.subarray(1, 4)) !== "PNG") {
      throw new Error(`${name} is no picture`);
    }
    await Deno.remove(`${this.folder}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

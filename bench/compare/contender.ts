/**
 * The relays that are compared: this program, and the same job in a few lines on other platforms.
 *
 * @module
 */
import type { ListenerKind } from "../../src/listen/listener.ts";
import { programLine } from "../relay.ts";

/** The folder of the peers, with a slash at the end. */
const PEERS = new URL("../peers/", import.meta.url).pathname;
const BUILD = `${PEERS}.build/`;

/** A program that may have to be made first. */
export interface Program {
  readonly name: string;
  /** A command line that installs or builds it, and where; absent where nothing is to do. */
  readonly preparation?: { readonly line: readonly string[]; readonly folder: string };
  /** The file that is there once it is prepared. */
  readonly program?: string;
}

/** A relay that is started with a command line. */
export interface Contender extends Program {
  /** The command line that starts it on a free port. */
  readonly line: readonly string[];
}

/** This program, without a tick, with as many threads that send and one of its listeners. */
export function us(workers: number, listener: ListenerKind): Contender {
  const chosen = ["--listener", listener, ...(workers === 1 ? [] : ["--workers", `${workers}`])];
  return {
    name: ["stream", ...chosen].join(" "),
    line: [...programLine(), "serve", "--port", "0", "--fps", "source", ...chosen],
  };
}

/** This program with a tick. */
export function usPaced(fps: number): Contender {
  const chosen = ["--listener", "node", "--fps", `${fps}`];
  return {
    name: ["stream", ...chosen].join(" "),
    line: [...programLine(), "serve", "--port", "0", ...chosen],
  };
}

/** What is made for relays that are not open to all, and for their load, by `make_credentials.ts`. */
export const CREDENTIAL_FILES = {
  cert: `${BUILD}cert.pem`,
  key: `${BUILD}key.pem`,
  signing: `${BUILD}signing.json`,
  token: `${BUILD}token.txt`,
} as const;

/** Not a relay: certificate, keys and token. */
export const CREDENTIALS: Program = {
  name: "certificate, keys and token",
  preparation: {
    line: [
      ...[Deno.execPath(), "run", "--quiet", "--no-check", "--allow-all"],
      new URL("make_credentials.ts", import.meta.url).pathname,
      BUILD,
    ],
    folder: PEERS,
  },
  program: CREDENTIAL_FILES.token,
};

/** This program, which lets nobody in without a signed token. */
export const US_WITH_TOKENS: Contender = {
  name: "stream --listener node --token-key",
  line: [...us(1, "node").line, "--token-key", CREDENTIAL_FILES.signing],
};

/** This program by TLS. */
export const US_BY_TLS: Contender = {
  name: "stream --listener node --tls-cert",
  line: [
    ...us(1, "node").line,
    ...["--tls-cert", CREDENTIAL_FILES.cert, "--tls-key", CREDENTIAL_FILES.key],
  ],
};

/** Node.js with `ws`. */
export const NODE_WS: Contender = {
  name: "Node, ws",
  line: ["node", `${PEERS}node_ws/relay.js`],
  preparation: npmInstall(`${PEERS}node_ws`),
  program: `${PEERS}node_ws/node_modules/ws/package.json`,
};

/** Node.js with `ws` by TLS. */
export const NODE_WSS: Contender = {
  ...NODE_WS,
  name: "Node, wss",
  line: [...NODE_WS.line, "--cert", CREDENTIAL_FILES.cert, "--key", CREDENTIAL_FILES.key],
};

const BUN_PROGRAM = `${PEERS}bun/node_modules/@oven/bun-linux-x64/bin/bun`;

/** Bun. */
export const BUN: Contender = {
  name: "Bun",
  line: [BUN_PROGRAM, `${PEERS}bun/relay.js`],
  preparation: npmInstall(`${PEERS}bun`),
  program: BUN_PROGRAM,
};

/** Rust with tokio-tungstenite on as many threads. */
export function rust(threads: number): Contender {
  const program = `${BUILD}rust/release/peer`;
  return {
    name: `Rust, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    line: [program, "--threads", `${threads}`],
    preparation: {
      line: ["cargo", "build", "--quiet", "--release", "--target-dir", `${BUILD}rust`],
      folder: `${PEERS}rust`,
    },
    program,
  };
}

/** The same program in Deno: what the platform costs without this one. */
export const DENO_WS: Contender = {
  ...NODE_WS,
  name: "Deno, ws",
  line: [
    Deno.execPath(),
    ...["run", "--quiet", "--no-config", "--node-modules-dir=manual", "--allow-all"],
    `${PEERS}node_ws/relay.js`,
  ],
};

/** A send loop in Deno, in batches with vectored writes. */
export const DENO_BARE: Contender = { name: "Deno, bare loop", line: denoBare() };

/** A send loop in Deno as it is written first. */
export const DENO_NAIVE: Contender = { name: "Deno, naive loop", line: denoBare("--naive") };

const LIMIT_PROGRAM = `${BUILD}limit`;

/** A loop of `send` in C. */
export const LIMIT: Contender = {
  name: "C, epoll",
  line: [LIMIT_PROGRAM],
  preparation: compiled("limit.c", LIMIT_PROGRAM),
  program: LIMIT_PROGRAM,
};

const VIEWERS_PROGRAM = `${BUILD}viewers`;

/** Not a relay but a load, in C. */
export const VIEWERS = {
  name: "viewers in C",
  preparation: compiled("viewers.c", VIEWERS_PROGRAM),
  program: VIEWERS_PROGRAM,
} as const satisfies Program;

/** A bare `node:http` in Deno that makes its own motion JPEG. */
export const NODE_HTTP: Contender = {
  name: "Deno, node:http",
  line: [Deno.execPath(), "run", "--quiet", "--allow-net", `${PEERS}node_http.ts`],
};

/** Where go2rtc listens, and where it fetches its frames. */
export const GO2RTC_PORTS = { own: 19_841, source: 19_842 } as const;

const GO2RTC_PROGRAM = Deno.env.get("GO2RTC") ?? "go2rtc";

/** go2rtc, a program that is not installed here: `GO2RTC` names it, or it is on the path. */
export const GO2RTC: Contender = {
  name: "go2rtc",
  line: [
    ...["sh", "-c", 'echo "listening on $0 " >&2; exec "$1" -config "$2" >/dev/null 2>&1'],
    `http://127.0.0.1:${GO2RTC_PORTS.own}`,
    GO2RTC_PROGRAM,
    JSON.stringify({
      api: { listen: `127.0.0.1:${GO2RTC_PORTS.own}` },
      rtsp: { listen: "" },
      webrtc: { listen: "" },
      streams: { live: `http://127.0.0.1:${GO2RTC_PORTS.source}/live.mjpeg` },
    }),
  ],
  preparation: { line: [GO2RTC_PROGRAM, "-version"], folder: PEERS },
};

const HTTP_READERS_PROGRAM = `${BUILD}http_readers`;

/** Not a relay but readers, in C. */
export const HTTP_READERS = {
  name: "readers in C",
  preparation: compiled("http_readers.c", HTTP_READERS_PROGRAM),
  program: HTTP_READERS_PROGRAM,
} as const satisfies Program;

/** All but this program. */
export const PEER_CONTENDERS: readonly Contender[] = [
  NODE_WS,
  DENO_WS,
  BUN,
  rust(1),
  rust(2),
  DENO_BARE,
  DENO_NAIVE,
  LIMIT,
];

/** Installs or builds a program; returns why that cannot be, or `undefined` when it is ready. */
export async function prepare({ preparation }: Program): Promise<string | undefined> {
  if (preparation === undefined) return undefined;
  const [command, ...args] = preparation.line;
  await Deno.mkdir(BUILD, { recursive: true });
  try {
    const { code, stderr } = await new Deno.Command(command!, { args, cwd: preparation.folder })
      .output();
    if (code === 0) return undefined;
    const said = new TextDecoder().decode(stderr).trim().split("\n");
    return `${command} failed: ${said.find((text) => /error/i.test(text)) ?? said[0]}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${command} is not installed`;
    throw error;
  }
}

/** Why a program cannot run as things are, or `undefined` where it can. */
export async function missingOf({ name, program }: Program): Promise<string | undefined> {
  if (program === undefined) return undefined;
  try {
    await Deno.stat(program);
    return undefined;
  } catch {
    return `${name} has not been prepared by \`deno task bench peers\``;
  }
}

function npmInstall(folder: string): { line: string[]; folder: string } {
  const flags = ["--no-package-lock", "--prefer-offline", "--no-audit", "--no-fund"];
  return { line: ["npm", "install", ...flags], folder };
}

function compiled(source: string, program: string): { line: string[]; folder: string } {
  return { line: ["gcc", "-O2", source, "-o", program], folder: PEERS };
}

function denoBare(...flags: string[]): string[] {
  const permissions = ["--allow-net", "--allow-env=DENO_USE_WRITEV"];
  return [Deno.execPath(), "run", "--quiet", ...permissions, `${PEERS}deno_bare.ts`, ...flags];
}

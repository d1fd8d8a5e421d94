/**
 * The rows of the comparison: the same load on several relays, or several loads on this one.
 *
 * @module
 */
import type { BenchRelay } from "../relay.ts";
import {
  BUN,
  type Contender,
  CREDENTIAL_FILES,
  CREDENTIALS,
  DENO_BARE,
  GO2RTC,
  GO2RTC_PORTS,
  HTTP_READERS,
  LIMIT,
  NODE_HTTP,
  NODE_WS,
  NODE_WSS,
  PEER_CONTENDERS,
  type Program,
  rust,
  us,
  US_BY_TLS,
  US_WITH_TOKENS,
  usPaced,
  VIEWERS,
} from "./contender.ts";
import { type Column, type Figures, HTTP_COLUMNS, IDLE_COLUMNS, LOAD_COLUMNS } from "./figures.ts";
import { type HttpLoad, measureHttp } from "./http_load.ts";
import { measureIdle } from "./idle.ts";
import { type Load, measureAtLimit, measureLoad } from "./load.ts";

/** One line of a row's table. */
export interface Case {
  readonly name: string;
  readonly contender: Contender;
  measure(relay: BenchRelay, seconds: number): Promise<Figures>;
}

/** One table. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly cases: readonly Case[];
  /** What puts the load on the relays, or lets it in, where that has to be made first. */
  readonly load?: Program;
}

const FPS = 30;
const IDLE_VIEWERS = 10_000;
const STALLED_VIEWERS = 100;

/** This program with one thread. */
const US_ALONE = [us(1, "deno"), us(1, "node")];
/** This program. */
const US = [...US_ALONE, us(2, "deno"), us(2, "node")];

/** All rows. */
export const ROWS: readonly Row[] = [
  loaded("200x100k", { viewers: 200, frameBytes: 100_000, fps: FPS }),
  loaded("2000x10k", { viewers: 2000, frameBytes: 10_000, fps: FPS }),
  atLimit("5000x10k", { viewers: 5000, frameBytes: 10_000, fps: FPS }),
  stalled({ viewers: 1000, frameBytes: 20_000, fps: FPS }),
  idle(IDLE_VIEWERS),
  withTokens({ viewers: 200, frameBytes: 100_000, fps: FPS }),
  byTls({ viewers: 200, frameBytes: 100_000, fps: FPS }),
  loaded("delay", { viewers: 1, frameBytes: 100_000, fps: FPS }),
  overHttp({ readers: 100, bytes: 296_000, fps: FPS }),
];

function loaded(name: string, load: Load): Row {
  return {
    name,
    title: titleOf(load),
    columns: LOAD_COLUMNS,
    cases: [
      ...US.flatMap((contender) => oursWithAndWithoutProtocol(contender, load)),
      ...PEER_CONTENDERS.map((contender) => caseOf(contender.name, contender, load)),
    ],
  };
}

/** More than the machine can do: how much of it is delivered. */
function atLimit(name: string, load: Load): Row {
  return {
    name,
    title: `${titleOf(load)}, the load by viewers.c`,
    columns: LOAD_COLUMNS,
    load: VIEWERS,
    cases: [...US, ...PEER_CONTENDERS].map((contender) => ({
      name: contender.name,
      contender,
      measure: (relay, seconds) => measureAtLimit(relay, load, seconds),
    })),
  };
}

function stalled(load: Load): Row {
  return {
    name: "stalled",
    title: `${
      titleOf(load)
    }, none or ${STALLED_VIEWERS} of which never read: figures of the others`,
    columns: LOAD_COLUMNS,
    cases: [0, STALLED_VIEWERS].flatMap((count) =>
      US_ALONE.flatMap((contender) =>
        oursWithAndWithoutProtocol(contender, { ...load, stalled: count })
      ).map((each) => ({ ...each, name: `${each.name}, ${count} stalled` }))
    ),
  };
}

/** What it costs that everybody has a token. */
function withTokens(load: Load): Row {
  const pass = { token: CREDENTIAL_FILES.token };
  return {
    name: "tokens",
    title: `${titleOf(load)}, all of whom have a signed token, beside the same without`,
    columns: LOAD_COLUMNS,
    load: CREDENTIALS,
    cases: [
      ...oursWithAndWithoutProtocol(us(1, "node"), load),
      ...oursWithAndWithoutProtocol(US_WITH_TOKENS, { ...load, pass }),
    ],
  };
}

/** What TLS costs, here and in Node. */
function byTls(load: Load): Row {
  const secure = { ...load, pass: { ca: CREDENTIAL_FILES.cert } };
  return {
    name: "tls",
    title: `${titleOf(load)} by TLS, beside the same without`,
    columns: LOAD_COLUMNS,
    load: CREDENTIALS,
    cases: [
      ...oursWithAndWithoutProtocol(us(1, "node"), load),
      ...oursWithAndWithoutProtocol(US_BY_TLS, secure),
      caseOf(NODE_WS.name, NODE_WS, load),
      caseOf(NODE_WSS.name, NODE_WSS, secure),
    ],
  };
}

/** What readers of plain HTTP cost, as motion JPEG and as a file. */
function overHttp(load: Omit<HttpLoad, "path" | "feed">): Row {
  const { readers, bytes, fps } = load;
  const read = (
    name: string,
    contender: Contender,
    how: Pick<HttpLoad, "path" | "feed">,
  ): Case => ({
    name,
    contender,
    measure: (relay, seconds) => measureHttp(relay, { ...load, ...how }, seconds),
  });
  const ours = (contender: Contender, extension: string) =>
    read(`${contender.name}, .${extension}`, contender, {
      path: `/live.${extension}`,
      feed: "published",
    });
  const bare = { ...NODE_HTTP, line: [...NODE_HTTP.line, `--bytes=${bytes}`, `--fps=${fps}`] };
  return {
    name: "http",
    title: `${readers} readers of plain HTTP × ${bytes / 1000} kB × ${fps} fps`,
    columns: HTTP_COLUMNS,
    load: HTTP_READERS,
    cases: [
      ...US_ALONE.flatMap((contender) => [ours(contender, "mjpeg"), ours(contender, "mkv")]),
      ours(usPaced(fps), "mjpeg"),
      read(bare.name, bare, { path: "/live.mjpeg", feed: "made" }),
      read(GO2RTC.name, GO2RTC, {
        path: "/api/stream.mjpeg?src=live",
        feed: { port: GO2RTC_PORTS.source },
      }),
    ],
  };
}

function idle(viewers: number): Row {
  const open = (contender: Contender, hasProtocol: boolean): Case => ({
    name: hasProtocol ? `${contender.name} (stream.v1)` : contender.name,
    contender,
    measure: (relay) => measureIdle(relay, { viewers, hasProtocol }),
  });
  return {
    name: "idle",
    title: `${viewers} viewers to which nothing is sent`,
    columns: IDLE_COLUMNS,
    cases: [
      ...US_ALONE.flatMap((contender) => [open(contender, false), open(contender, true)]),
      ...[NODE_WS, BUN, rust(1), DENO_BARE, LIMIT].map((contender) => open(contender, false)),
    ],
  };
}

function oursWithAndWithoutProtocol(contender: Contender, load: Load): Case[] {
  return [
    caseOf(contender.name, contender, load),
    caseOf(`${contender.name} (stream.v1)`, contender, { ...load, hasProtocol: true }),
  ];
}

function caseOf(name: string, contender: Contender, load: Load): Case {
  return { name, contender, measure: (relay, seconds) => measureLoad(relay, load, seconds) };
}

function titleOf({ viewers, frameBytes, fps }: Load): string {
  return `${viewers} ${viewers === 1 ? "viewer" : "viewers"} × ${
    frameBytes / 1000
  } kB × ${fps} fps`;
}

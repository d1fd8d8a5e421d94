/**
 * The rounds of `deno task test:all`: everything once, and then what concerns relays again on the
 * other listener, and again with two threads.
 *
 * As a program it prints the test files of a round that may run beside each other, or those that have
 * to be alone on the machine: `deno run --allow-read tests/rounds.ts node beside`.
 *
 * @module
 */

/** A round after the first: on `node:http`, or with two threads. */
export type Round = "node" | "two";

/** Whether the test files of a round may run beside each other. */
export type Group = "beside" | "alone";

/** Where tests concern relays; a file that is new there is in all rounds. */
export const FOLDERS: readonly string[] = ["server", "cli", "e2e", "browser"];

/** Nothing of it asks which listener or how many threads: no relay is started. */
const NO_RELAY = "starts no relay";
/** Its tests name both themselves, so that they are the same in each round. */
const NAMES_BOTH = "says itself what listens, and with how many threads";
/** What is tested is done before a frame is sent or after it has come; relays never look at it. */
const CLIENTS = "tests what clients make of their input and output";
/** What is tested is done in the browser, from frames that others bring as well. */
const PAGES = "tests what a page makes of the frames that it gets";
/** What is tested is done by players, from files that other tests read in each round. */
const PLAYERS = "tests what players make of the files that they get";
/** Its tests say how many threads there are. */
const NAMES_THREADS = "says itself with how many threads";

/** Files that a further round leaves out, and why it would tell nothing new. */
export const LEFT_OUT: Readonly<Record<string, Readonly<Partial<Record<Round, string>>>>> = {
  ...both(NO_RELAY, [
    "cli/origin_test.ts",
    "cli/serve_options_test.ts",
    "cli/terminal_test.ts",
    "e2e/compile_test.ts",
    "server/converter_test.ts",
    "server/gate_test.ts",
    "server/handed_in_test.ts",
    "server/inflow_test.ts",
    "server/kept_frames_test.ts",
    "server/memory_test.ts",
    "server/mirror_test.ts",
    "server/stream_pictures_test.ts",
    "server/watchful_clock_test.ts",
  ]),
  ...both(NAMES_BOTH, [
    "server/node_listener_test.ts",
    "server/restarts_test.ts",
    "server/tls_load_test.ts",
  ]),
  ...both(CLIENTS, [
    "e2e/clocks_test.ts",
    "e2e/containers_test.ts",
    "e2e/files_test.ts",
  ]),
  ...both(PLAYERS, ["e2e/players_test.ts"]),
  ...both(PAGES, [
    "browser/colours_test.ts",
    "browser/elsewhere_test.ts",
    "browser/films_test.ts",
    "browser/firefox_test.ts",
    "browser/media_source_test.ts",
    "browser/playing_test.ts",
    "browser/vectors_test.ts",
  ]),
  // With two threads these run their commands within the test, as `deno task test` does
  // (tests/cli/run_here.ts).
  ...withNode(CLIENTS, [
    "cli/bad_input_test.ts",
    "cli/help_test.ts",
    "cli/outputs_test.ts",
    "cli/resync_test.ts",
    "cli/strange_relay_test.ts",
    "cli/usage_test.ts",
  ]),
  ...withTwo(NAMES_THREADS, [
    "browser/entry_test.ts",
    "browser/tokens_test.ts",
    "cli/secret_files_test.ts",
    "server/access_matrix_test.ts",
    "server/key_turnover_test.ts",
  ]),
};

function both(why: string, files: readonly string[]): typeof LEFT_OUT {
  return Object.fromEntries(files.map((file) => [file, { node: why, two: why }]));
}

function withNode(why: string, files: readonly string[]): typeof LEFT_OUT {
  return Object.fromEntries(files.map((file) => [file, { node: why }]));
}

function withTwo(why: string, files: readonly string[]): typeof LEFT_OUT {
  return Object.fromEntries(files.map((file) => [file, { two: why }]));
}

/**
 * Files, or folders of them, that are run one at a time. A stream beside an attack may lose nothing; a
 * viewer that takes nothing for a second, or a player that cannot decode as fast as frames come, skips.
 * Where the machine has other tests to do as well, that would be their doing.
 */
export const ALONE: readonly string[] = [
  "attacks/",
  "e2e/",
  "browser/media_source_test.ts",
  "browser/playing_test.ts",
];

/** All test files, as `core/stream_test.ts`. */
export function allTests(folder = ""): string[] {
  return [...Deno.readDirSync(new URL(`./${folder}`, import.meta.url))].flatMap((entry) => {
    if (entry.isDirectory) return allTests(`${folder}${entry.name}/`);
    return entry.name.endsWith("_test.ts") ? [`${folder}${entry.name}`] : [];
  }).sort();
}

/** All test files that concern relays. */
export function relayTests(): string[] {
  return allTests().filter((file) => FOLDERS.some((folder) => file.startsWith(`${folder}/`)));
}

/** The test files of a round: of the first all there are. */
export function filesOf(round: Round | "first", group?: Group): string[] {
  const files = round === "first"
    ? allTests()
    : relayTests().filter((file) => LEFT_OUT[file]?.[round] === undefined);
  if (group === undefined) return files;
  return files.filter((file) =>
    ALONE.some((alone) => file.startsWith(alone)) === (group === "alone")
  );
}

if (import.meta.main) {
  const [round, group] = Deno.args;
  if (round !== "first" && round !== "node" && round !== "two") {
    throw new Error(`Cannot list the round ${round}`);
  }
  if (group !== "beside" && group !== "alone") throw new Error(`Cannot list the group ${group}`);
  // deno-lint-ignore no-console
  console.log(filesOf(round, group).map((file) => `tests/${file}`).join(" "));
}

/**
 * Where a program keeps what is to outlast it and is no setting.
 *
 * @module
 */

/** The variables that say it. */
export const STATE_VARIABLES = ["XDG_STATE_HOME", "HOME", "LOCALAPPDATA"] as const;

/**
 * The folder of this program for what it keeps; `undefined` where the environment says nothing of one.
 * `XDG_STATE_HOME` counts on every system, and as the specification has it only where it is absolute
 * (https://specifications.freedesktop.org/basedir-spec/latest/).
 */
export function stateFolder(
  env: (name: typeof STATE_VARIABLES[number]) => string | undefined,
  os: typeof Deno.build.os,
): string | undefined {
  const isWindows = os === "windows";
  const at = (name: typeof STATE_VARIABLES[number], ...below: string[]) => {
    const folder = env(name);
    if (folder === undefined || !(isWindows ? /^(?:[A-Za-z]:)?[\\/]/ : /^\//).test(folder)) {
      return undefined;
    }
    return [folder.replace(/[\\/]+$/, ""), ...below, "stream"].join(isWindows ? "\\" : "/");
  };
  const own = isWindows
    ? () => at("LOCALAPPDATA")
    : os === "darwin"
    ? () => at("HOME", "Library", "Application Support")
    : () => at("HOME", ".local", "state");
  return at("XDG_STATE_HOME") ?? own();
}

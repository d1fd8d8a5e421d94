// Types for the part of `@std/cli/parse-args` that the command line uses.

export interface ParseOptions {
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  readonly negatable?: readonly string[];
  readonly collect?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly "--"?: boolean;
  readonly stopEarly?: boolean;
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
export interface Args {
  readonly _: (string | number)[];
  readonly "--"?: string[];
  readonly [key: string]: unknown;
}
export function parseArgs(args: readonly string[], options?: ParseOptions): Args;

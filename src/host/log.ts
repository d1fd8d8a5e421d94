/**
 * Lines for people or for programs, on standard error.
 *
 * @module
 */
import { printable, printableJson } from "./printable.ts";

/** How lines are written. */
export type LogFormat = "text" | "json";

/** Values that a line carries beside its message. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Where log lines go. */
export interface Log {
  /** Something that was meant to happen. */
  info(message: string, fields?: LogFields): void;
  /** Something that a person should know of; the program goes on. */
  warn(message: string, fields?: LogFields): void;
  /** The reason why the program ends. */
  error(message: string, fields?: LogFields): void;
  /** Progress: replaces the last progress on a terminal, is a line elsewhere. */
  progress(message: string, fields: LogFields): void;
}

/** Options of {@linkcode createLog}. */
export interface LogOptions {
  readonly format: LogFormat;
  /** Where the text goes. */
  readonly write: (text: string) => void;
  /** Whether the text goes to a terminal, where progress stays on one line. */
  readonly isTerminal: boolean;
  /** Width of the terminal in columns, as it is now; `undefined` where it is not known. */
  readonly columns?: () => number | undefined;
  /** The time in milliseconds since the Unix epoch. */
  readonly wallMs: () => number;
}

/**
 * Erases the line on which progress stands, and what a terminal that has become narrower has made of
 * its end below: the cursor always stands at its start (ECMA-48, CR and ED).
 */
const ERASE = "\r\x1b[J";

/** A log that writes lines to `options.write`. */
export function createLog(options: LogOptions): Log {
  let hasProgress = false;
  const line = (level: string, message: string, fields: LogFields = {}) => {
    if (options.format === "json") {
      const time = new Date(options.wallMs()).toISOString();
      options.write(printableJson(JSON.stringify({ time, level, message, ...fields })) + "\n");
      return;
    }
    const prefix = level === "warn" || level === "error" ? `${level}: ` : "";
    options.write(`${hasProgress ? ERASE : ""}${prefix}${printable(message)}\n`);
    hasProgress = false;
  };
  return {
    info: (message, fields) => line("info", message, fields),
    warn: (message, fields) => line("warn", message, fields),
    error: (message, fields) => line("error", message, fields),
    progress: (message, fields) => {
      if (options.format === "json" || !options.isTerminal) return line("info", message, fields);
      const shown = fitting(printable(message), options.columns?.() ?? Infinity);
      options.write(`${ERASE}${shown}\r`);
      hasProgress = true;
    },
  };
}

/**
 * As many of the parts of `text`, which are two spaces apart, as fit; the last column stays free, from
 * which some terminals go on to the next line.
 */
function fitting(text: string, columns: number): string {
  const most = Math.max(1, columns - 1);
  if (text.length <= most) return text;
  const end = text.lastIndexOf("  ", most);
  return end > 0 ? text.slice(0, end) : text.slice(0, most);
}

/** A log that writes nothing. */
export const silentLog: Log = {
  info: () => {},
  warn: () => {},
  error: () => {},
  progress: () => {},
};

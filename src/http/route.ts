/**
 * What a row in the table of the relay's addresses says, and which row a request is for.
 *
 * @module
 */
import type { Action, Asker, TokenIds } from "../access/access.ts";
import type { Upgrade } from "../listen/listener.ts";
import type { Hub } from "../relay/hub.ts";
import type { Streams } from "../relay/streams.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";
import type { AllPictures } from "./stream_pictures.ts";

/** A request, and what it is known to ask for. */
export interface Asked {
  readonly request: Request;
  readonly url: URL;
  /** Path under which the relay is, as `/video`; empty where it has its server for itself. */
  readonly base: string;
  /** Who sent it. */
  readonly asker: Asker;
  /** The body may take as long as it likes: whoever reads it sees to that. */
  readonly takeTime: () => void;
  /** Until when what is asked is permitted, in milliseconds since the Unix epoch. Absent: until that changes. */
  readonly untilMs?: number;
  /** How often that had changed when it was asked. Absent: it has not been asked. */
  readonly changes?: number;
  /** Whose token has permitted it. Absent: it has not been asked, or nothing is known of it. */
  readonly ids?: TokenIds;
  /** What stands in the row's path for `:stream`, `:name` or `:path`; empty where it has none. */
  readonly name: string;
  /** What stands there for `:id`; empty where it has none. */
  readonly id: string;
}

/** What handlers have in whichever thread a request has come to. */
export interface Here {
  readonly streams: Streams;
  readonly pictures: AllPictures;
  /** Publishes the body of a request. */
  readonly publishBody: (here: Here, asked: Asked) => Promise<Response>;
}

/** What handlers have in the thread that has the streams. */
export interface There {
  readonly hub: Hub;
  readonly pictures: AllPictures;
}

/** Has the handler in the thread that has the streams answer, what was asked unless told otherwise. */
export type AskThere = (asked?: Asked) => Promise<Response>;

/** One row: an address, what must be permitted, and who answers. */
export interface Row {
  /** `GET` stands for `HEAD` as well. */
  readonly method: "GET" | "PATCH" | "POST" | "PUT" | "DELETE" | "WEBSOCKET";
  /**
   * `:stream` is the name of a stream, `:name` and `:id` anything without a slash, `:path` anything. What comes
   * before `?` may be left out; a `:path?` of nothing is the default stream.
   */
  readonly path: string;
  /** What else a request must be like for this row. Absent: nothing. */
  readonly when?: (asked: Omit<Asked, "name" | "id">) => boolean;
  /** What must be permitted; nothing where everybody may ask. */
  readonly actions: readonly Action[] | ((asked: Asked) => readonly Action[]);
  /**
   * Answers in the thread that received the request. It can call `there`, the row's handler in the
   * thread that has the streams, for what only that thread knows. Absent: `there` alone answers.
   */
  readonly here?: (
    here: Here,
    asked: Asked,
    there: AskThere,
  ) => Response | Upgrade | Promise<Response | Upgrade>;
  /** Answers in the thread that has the streams. */
  readonly there?: (there: There, asked: Asked) => Response | Promise<Response>;
}

/** A row in its table. */
export interface Route extends Row {
  readonly pattern: RegExp;
  /** Its place in the table, which is the same in every thread. */
  readonly number: number;
}

/** The table of these rows; the first one that is for a request answers it. */
export function table(rows: readonly Row[]): readonly Route[] {
  return rows.map((row, number) => {
    const source = row.path.replaceAll(".", "\\.").replace(
      /:(\w+)(\??)/g,
      (_, part, mark) => `(?<${part}>${part === "path" ? "." : "[^/]"}${mark ? "*" : "+"})`,
    );
    return { ...row, number, pattern: new RegExp(`^${source}$`, "s") };
  });
}

/** The route that answers a request, or the methods of those that have the same path. */
export type Match =
  | { readonly route: Route; readonly asked: Asked }
  | { readonly route: undefined; readonly methods: readonly string[] };

/** Finds the route for a request of `method` to `path`, of which the escapes are resolved. */
export function match(
  routes: readonly Route[],
  { method, path }: { readonly method: string; readonly path: string },
  asked: Omit<Asked, "name" | "id">,
): Match {
  const methods = new Set<string>();
  for (const route of routes) {
    const found = route.pattern.exec(path);
    if (found === null || route.when?.(asked) === false) continue;
    const { stream, name, path: rest, id = "" } = found.groups ?? {};
    if (stream !== undefined && nameFault(stream) !== undefined) continue;
    const own = route.method === "GET" ? ["GET", "HEAD"] : [route.method];
    if (own.includes(method)) {
      const named = stream ?? name ?? (rest === "" ? DEFAULT_NAME : rest);
      return { route, asked: { ...asked, name: named ?? "", id } };
    }
    if (route.method !== "WEBSOCKET") { for (const each of own) methods.add(each); }
  }
  return { route: undefined, methods: [...methods] };
}

/**
 * Answers by `node:http`, and to requests to upgrade, which it leaves to others.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";
import type { ByteTurns } from "./byte_turns.ts";
import { harmless } from "./harmless.ts";
import { writeBody } from "./node_body.ts";
import { endSoon } from "./node_gate.ts";
import { pushBody } from "./node_outlet.ts";
import { PushedBody } from "./pushed_body.ts";

/** Answers a request. */
export async function respond(
  response: Response,
  method: string | undefined,
  outgoing: ServerResponse,
  writing: ByteTurns,
): Promise<void> {
  const { status, headers, body } = harmless(response);
  outgoing.on("error", () => {});
  outgoing.writeHead(status, [...headers].flat());
  if (body === null || method === "HEAD") {
    await body?.cancel();
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  if (body instanceof PushedBody && outgoing.socket !== null) {
    return await pushBody(body, outgoing, writing);
  }
  if (await writeBody(body, outgoing, writing)) outgoing.end();
}

/** Answers a request to upgrade that is not followed, and ends the connection behind it. */
export async function refuse(
  response: Response,
  method: string | undefined,
  connection: Connection,
  writing: ByteTurns,
): Promise<void> {
  const { status, statusText, headers, body, ok } = harmless(response);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(
    `HTTP/1.1 ${status} ${statusText}\r\n${lines}connection: close\r\n\r\n`,
  );
  // Its peer may hold it open.
  connection.on("finish", () => endSoon(connection));
  if (body === null || method === "HEAD") {
    await body?.cancel();
    connection.end(head);
  } else if (ok) {
    // Whoever would upgrade to something else gets an answer as without it, which may have no end.
    connection.write(head);
    if (await writeBody(body, connection, writing)) connection.end();
  } else {
    // In one piece: some clients take what is read first for all of it.
    connection.end(Buffer.concat([head, await response.bytes()]));
  }
}

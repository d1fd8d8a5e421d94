/**
 * Opens WebSockets at each address that it is given, as `HOST:PORT=COUNT`, one after the other, holds them
 * until its standard input ends, and writes the status of each answer to standard
 * error as JSON.
 *
 * @module
 */
if (import.meta.main) await main();

async function main(): Promise<void> {
  const held: Deno.TcpConn[] = [];
  const statuses: Record<string, number[]> = {};
  for (const arg of Deno.args) {
    const [host, count] = arg.split("=") as [string, string];
    const { hostname, port } = new URL(`http://${host}`);
    statuses[hostname] = [];
    for (let n = 0; n < Number(count); n++) {
      const connection = await Deno.connect({
        hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
        port: Number(port),
      });
      held.push(connection);
      await connection.write(new TextEncoder().encode(
        `GET /live?role=watch HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\n` +
          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      ));
      const answer = new Uint8Array(4096);
      const bytes = await connection.read(answer) ?? 0;
      const head = new TextDecoder().decode(answer.subarray(0, bytes));
      statuses[hostname]!.push(Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]));
    }
  }
  await Deno.stderr.write(new TextEncoder().encode(`${JSON.stringify(statuses)}\n`));
  for await (const _ of Deno.stdin.readable);
  for (const connection of held) connection.close();
}

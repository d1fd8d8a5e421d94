/**
 * A relay that does nothing but what a test has it do.
 *
 * @module
 */
import { decodeFrameMessage } from "../../src/wire/frame_message.ts";
import { openHere } from "../server/fixture.ts";

/** A relay that greets whoever comes as `role`, and then does what it is to. */
export function greeting(
  role: "publish" | "watch",
  act: (socket: WebSocket) => void,
  fps = 30,
): { readonly url: string } & AsyncDisposable {
  return openHere((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "stream.v1" });
    socket.onopen = () => {
      const maxFrameBytes = 16_777_216;
      const stream = { stream: "cam", run: "r", fps, maxFrameBytes, publishing: true };
      socket.send(JSON.stringify({ type: "welcome", version: 1, role, ...stream, received: 0 }));
      act(socket);
    };
    return response;
  });
}

/** Answers a publisher that asks for the time, and takes the bytes of its frames. */
export function takeFrames(
  socket: WebSocket,
  take: (data: Uint8Array<ArrayBuffer>) => void,
): void {
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return take(decodeFrameMessage(new Uint8Array(data)).data);
    const { type, clientUs } = JSON.parse(data);
    if (type !== "time") return;
    socket.send(JSON.stringify({ type: "time", clientUs, serverUs: Date.now() * 1000 }));
  };
}

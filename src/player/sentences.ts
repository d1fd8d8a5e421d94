/**
 * What the player says: plain sentences about what it waits for, and why.
 *
 * @module
 */
import { dropFacts } from "../core/drops.ts";
import type { StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS } from "../core/stream_format.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { Lost } from "./connection.ts";

/** So many WebSockets failed where plain requests came through: it is they that are stopped. */
const MANY_FAILURES = 3;

/** What is known of a stream that is watched. */
export interface Facts {
  /** The stream's name. */
  readonly name: string;
  readonly connection: "connecting" | "open" | "lost";
  /** How the last connection ended, until another one is open. */
  readonly lost: Lost | undefined;
  /** Whether this computer has a network. */
  readonly isOnline: boolean;
  readonly isPublishing: boolean;
  /** The publisher ended the stream, and no frame has come since. */
  readonly hasEnded: boolean;
  /** No frame has come for a while. */
  readonly isSilent: boolean;
  /** Something is drawn. */
  readonly hasPicture: boolean;
  /** What is drawn has come over this connection. */
  readonly isFresh: boolean;
  /** Frames come, but only a key frame can be decoded. */
  readonly needsKey: boolean;
  /** Why this stream cannot be shown here. */
  readonly unsupported: string | undefined;
  /** What is wrong with the last frames. */
  readonly damaged: string | undefined;
}

/** What a viewer is shown. */
export interface State {
  /** For programs. */
  readonly kind:
    | "connecting"
    | "waiting"
    | "playing"
    | "lost"
    | "blocked"
    | "ended"
    | "refused"
    | "unsupported";
  /** For people; empty where the picture says it all. */
  readonly sentence: string;
  /** Whether the picture is not the present one. */
  readonly isStale: boolean;
}

/** The state that the facts make. */
export function stateOf(facts: Facts): State {
  const { name, connection, lost, hasPicture, isPublishing, isSilent } = facts;
  if (lost?.isFinal) return { kind: "refused", sentence: refusal(name, lost), isStale: true };
  const isPermitted = lost?.code !== CLOSE.accessEnded;
  if (lost !== undefined && isPermitted && facts.isOnline && lost.failures >= MANY_FAILURES) {
    const sentence = "WebSockets cannot reach the relay. Something on the way blocks them.";
    return { kind: "blocked", sentence, isStale: true };
  }
  if (lost !== undefined) {
    return { kind: "lost", sentence: loss(lost, facts.isOnline), isStale: true };
  }
  if (connection !== "open") return { kind: "connecting", sentence: "Connecting…", isStale: true };
  if (facts.hasEnded) {
    const sentence = "The stream has ended. The picture returns when somebody publishes again.";
    return { kind: "ended", sentence, isStale: true };
  }
  if (facts.unsupported !== undefined) {
    return { kind: "unsupported", sentence: facts.unsupported, isStale: true };
  }
  if (!isPublishing && isSilent) {
    const sentence = hasPicture
      ? "The publisher is gone. The picture continues when it is back."
      : `Nobody is publishing “${name}” yet. The picture appears when somebody does.`;
    return { kind: "waiting", sentence, isStale: true };
  }
  if (facts.damaged !== undefined) {
    return { kind: "waiting", sentence: `${facts.damaged}.`, isStale: true };
  }
  if (facts.needsKey) {
    return { kind: "waiting", sentence: "Waiting for the next key frame.", isStale: true };
  }
  if (!facts.isFresh) {
    const sentence = isPublishing
      ? `Waiting for the ${hasPicture ? "next" : "first"} picture.`
      : `Nobody is publishing “${name}” yet. The picture appears when somebody does.`;
    return { kind: "waiting", sentence, isStale: true };
  }
  return { kind: "playing", sentence: "", isStale: false };
}

function refusal(name: string, { code, why }: Lost): string {
  switch (code) {
    case 1000:
      return "The relay closed the connection.";
    case 4000:
      return `“${name}” cannot be the name of a stream: a name has 1 to 64 letters, digits, “.”, “_” ` +
        "or “-”, and some names are the relay’s own.";
    case 4001:
      return "This page and the relay have different versions. Reload the page.";
    case 4005:
      return "The relay is full: it has reached its limit of viewers. Try again later.";
    case CLOSE.accessEnded:
      return notPermitted(why);
    case 4009: {
      const said = why === ""
        ? "Somebody who may has ended this"
        : why[0]!.toUpperCase() + why.slice(1);
      return `${said}. The page does not connect again by itself.`;
    }
    default:
      return `The relay does not let this page watch${why === "" ? "" : `: ${why}`} (${code}).`;
  }
}

/** That the relay does not let the page in, and why, if that is known. */
export function notPermitted(why: string): string {
  const clause = why.replace(/^Cannot do this: /, "").replace(/\.$/, "");
  return `This page may not watch${clause === "" ? "" : `: ${clause}`}.`;
}

function loss({ code, why, failures }: Lost, isOnline: boolean): string {
  if (!isOnline) return "This device is offline. The picture returns when it is online again.";
  if (code === CLOSE.accessEnded) return notPermitted(why);
  const soon = "The picture returns as soon as the relay is back.";
  if (code === 1001) return `The relay was stopped. ${soon}`;
  if (failures > 0) return `The relay does not answer. ${soon}`;
  return `The connection was lost. ${soon}`;
}

/** The name of a stream's format for people, with the codec or the pixel format. */
export function formatName(
  { format, codec, pixelFormat }: Pick<StreamConfig, "format" | "codec" | "pixelFormat">,
): string {
  // A page that has been open for long may see formats of a newer relay.
  const label = Object.hasOwn(FORMAT_FACTS, format) ? FORMAT_FACTS[format].label : format;
  const detail = pixelFormat ?? codec;
  const isTold = detail === null || ["jpeg", "png", "raw", format].includes(detail);
  return isTold ? label : `${label} · ${detail}`;
}

/** Why the relay dropped frames of a viewer, in words. */
export function dropReason(reason: string): string {
  return dropFacts(reason)?.ofViewer ?? reason.replaceAll("_", " ");
}

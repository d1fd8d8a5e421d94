/**
 * The page of one stream.
 *
 * @module
 */
import { accessOf } from "./admission.ts";
import { copyText } from "./clipboard.ts";
import { defineStreamPlayer, StreamPlayerElement } from "./element.ts";
import { element } from "./elements.ts";
import { Elsewhere } from "./elsewhere.ts";
import { Entry } from "./entry.ts";
import { Numbers } from "./numbers.ts";
import type { State } from "./sentences.ts";

/** After so long without a sign of anybody, the controls fade, in milliseconds. */
const IDLE_MS = 3000;
const TOAST_MS = 2500;

const BADGES: Readonly<Record<State["kind"], string>> = {
  connecting: "Connecting",
  waiting: "Waiting",
  playing: "Live",
  lost: "Reconnecting",
  blocked: "Blocked",
  ended: "Ended",
  refused: "Refused",
  unsupported: "Not shown",
};

const PAUSE_SIGN = "M9 5v14M15 5v14";
const PLAY_SIGN = "M8 5.500v13l10.500-6.500z";

defineStreamPlayer();

const stage = element("stage");
const player = element("player", StreamPlayerElement);
const numbers = new Numbers(player);
const entry = new Entry();
// The page has the stream's own address.
const address = location.origin + location.pathname;
const elsewhere = new Elsewhere({ base: new URL(".", address), name: nameIn(address), entry });
let isExact = false;
let idleTimer: ReturnType<typeof setTimeout> | undefined;
let toastTimer: ReturnType<typeof setTimeout> | undefined;

const KEYS: Readonly<Record<string, () => void>> = {
  " ": togglePause,
  "f": toggleFull,
  "1": toggleExact,
  "i": toggleNumbers,
  "s": save,
  "c": copyLink,
  "w": () => elsewhere.open("watch"),
  "p": () => elsewhere.open("publish"),
  "?": () => element("keys", HTMLDialogElement).showModal(),
};

begin();

function begin(): void {
  for (const type of ["state", "pause", "play"]) player.addEventListener(type, showState);
  const access = accessOf(address);
  player.token = () => entry.token();
  player.addEventListener("state", () => enterAgain(access));
  entry.onChange(() => player.retry());
  document.title = `${nameIn(address)} · stream`;
  element("name").textContent = nameIn(address);
  entry.admit(access).then(() => player.src = address);
  const on = (id: string, action: () => void) => element(id).addEventListener("click", action);
  on("pause", togglePause);
  on("save", save);
  on("copy", copyLink);
  on("watch-elsewhere", () => elsewhere.open("watch"));
  on("how-to-publish", () => elsewhere.open("publish"));
  on("exact", toggleExact);
  on("info", toggleNumbers);
  on("numbers-close", toggleNumbers);
  on("full", toggleFull);
  on("help", () => element("keys", HTMLDialogElement).showModal());
  on("keys-close", () => element("keys", HTMLDialogElement).close());
  on("retry", () => player.retry());
  element("full").hidden = !document.fullscreenEnabled;
  document.addEventListener("fullscreenchange", () => {
    element("full").ariaPressed = String(document.fullscreenElement !== null);
  });
  document.addEventListener("keydown", onKey);
  for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) {
    document.addEventListener(type, wake, { passive: true });
  }
  stage.addEventListener("dblclick", toggleFull);
  new ResizeObserver(fitExact).observe(stage);
  player.addEventListener("resize", fitExact);
  showState();
}

/** The stream's name: the last part of its address. */
function nameIn(address: string): string {
  const last = address.slice(address.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    // A malformed escape: the relay will say that it is no name.
    return last;
  }
}

/** Asks for another token where the connection has ended for want of one. */
async function enterAgain(access: URL): Promise<void> {
  if (player.state.kind !== "refused") return;
  if (await entry.admit(access)) player.retry();
}

function showState(): void {
  const { kind, sentence } = player.state;
  const isPaused = player.paused && kind === "playing";
  const badge = element("badge");
  badge.dataset.kind = isPaused ? "paused" : kind;
  badge.textContent = isPaused ? "Paused" : BADGES[kind];
  element("retry").hidden = kind !== "refused";
  element("how-to-publish").hidden = kind !== "ended" &&
    (kind !== "waiting" || player.pictureWidth > 0);
  elsewhere.refresh();
  const pause = element("pause");
  pause.ariaLabel = player.paused ? "Go on" : "Pause";
  pause.title = `${pause.ariaLabel} (space)`;
  element("pause-sign", SVGElement).setAttribute("d", player.paused ? PLAY_SIGN : PAUSE_SIGN);
  const place = element("sentence");
  if (place.textContent !== sentence) place.textContent = sentence;
  if (kind === "blocked" && sentence === "") {
    toast("WebSockets are blocked, so this is motion JPEG.");
  }
  wake();
}

/** Whether a dialog is open, which has the keys for itself. */
function isAsked(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isAsked()) return;
  // A button takes the space bar for itself.
  if (event.key === " " && event.target instanceof HTMLButtonElement) return;
  if (event.key === "Escape" && numbers.isShown) toggleNumbers();
  const action = KEYS[event.key.toLowerCase()];
  if (action === undefined) return;
  event.preventDefault();
  if (!event.repeat) action();
}

function togglePause(): void {
  if (player.paused) player.play();
  else player.pause();
}

function toggleNumbers(): void {
  numbers.toggle();
  element("info").ariaPressed = String(numbers.isShown);
  document.body.classList.toggle("with-numbers", numbers.isShown);
}

function toggleExact(): void {
  isExact = !isExact;
  element("exact").ariaPressed = String(isExact);
  fitExact();
  if (player.pictureWidth > 0) toast(isExact ? "One to one" : "Fitted");
}

/** Gives each of the picture's pixels one of the screen's, where that is wanted. */
function fitExact(): void {
  stage.classList.toggle("exact", isExact);
  player.style.width = isExact ? `${player.pictureWidth / devicePixelRatio}px` : "";
  player.style.height = isExact ? `${player.pictureHeight / devicePixelRatio}px` : "";
}

function toggleFull(): void {
  if (!document.fullscreenEnabled) return;
  const done = document.fullscreenElement === null
    ? document.documentElement.requestFullscreen()
    : document.exitFullscreen();
  done.catch(() => toast("The browser does not allow full screen at the moment."));
}

async function save(): Promise<void> {
  const picture = await player.savePicture();
  if (picture === null) {
    toast("There is no picture to save yet.");
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(picture);
  link.download = `${player.streamName}-${timeStamp(new Date())}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  toast(`Saved ${link.download}`);
}

/** As `2026-11-23T20-48-38`, in local time. */
function timeStamp(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replaceAll(":", "-");
}

async function copyLink(): Promise<void> {
  const link = new URL(encodeURIComponent(player.streamName), location.href).href;
  toast(await copyText(link) ? "Link copied" : link);
}

function toast(sentence: string): void {
  clearTimeout(toastTimer);
  element("toast").textContent = sentence;
  toastTimer = setTimeout(() => element("toast").textContent = "", TOAST_MS);
}

/** Shows the controls, until nobody has done anything for a while. */
function wake(): void {
  document.body.classList.remove("idle");
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => {
    const isBusy = player.state.kind !== "playing" || player.paused || isAsked();
    document.body.classList.toggle("idle", !isBusy);
  }, IDLE_MS);
}

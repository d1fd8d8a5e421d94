/**
 * The page of all streams.
 *
 * @module
 */
import type { Refusal } from "./admission.ts";
import { element } from "./elements.ts";
import { Entry } from "./entry.ts";
import { bytes, count, viewers } from "./figures.ts";
import { showFirstSteps } from "./first_steps.ts";
import { Grid } from "./grid.ts";
import { Poll } from "./poll.ts";
import type { Status } from "./status.ts";

/** Most streams that are named when they come or go. */
const MAX_NAMED = 3;

const base = new URL(document.baseURI);
const template = element("card", HTMLTemplateElement);
const entry = new Entry();
const grid = new Grid(element("streams"), template, base, entry);
showFirstSteps(element("commands"), element("command", HTMLTemplateElement), base);

let before: string[] | undefined;

function show(statuses: Status[]): void {
  grid.update(statuses);
  element("forget").hidden = !entry.hasToken;
  const { names } = grid;
  document.body.classList.remove("is-away");
  element("away").textContent = "";
  element("empty").hidden = names.length > 0;
  element("totals").hidden = names.length === 0;
  write("total-streams", count(names.length));
  const all = statuses.reduce((sum, status) => sum + status.viewers, 0);
  write("total-viewers", viewers(all, grid.watching));
  write("total-sent", `${bytes(grid.sentPerSecond)}/s`);
  document.title = names.length === 0 ? "Streams" : `Streams (${names.length})`;
  if (before !== undefined) announce(names, before);
  before = names;
}

/** Tells those who do not see it what came and went. */
function announce(names: string[], before: string[]): void {
  const came = names.filter((name) => !before.includes(name));
  const gone = before.filter((name) => !names.includes(name));
  const sentences = [
    ...came.length > 0 ? [`${listed(came)} has appeared.`] : [],
    ...gone.length > 0 ? [`${listed(gone)} is gone.`] : [],
  ];
  if (sentences.length > 0) element("news").textContent = sentences.join(" ");
}

function listed(names: string[]): string {
  return names.length > MAX_NAMED ? `${names.length} streams` : names.join(", ");
}

/** The relay does not answer, or not to this page: it may want a token. */
async function away(sentence: string, refusal: Refusal | undefined): Promise<void> {
  leave(sentence);
  if (refusal !== undefined && await entry.admit(api, refusal)) enterAnew();
}

/** There is another token: what was there by the old one goes. */
function enterAnew(): void {
  grid.renew();
  poll.hurry();
}

/** Leaves no trace of the token, as for the next one at this computer. */
function forget(): void {
  entry.forget();
  location.reload();
}

function leave(sentence: string): void {
  grid.leave();
  document.body.classList.add("is-away");
  const place = element("away");
  if (place.textContent !== sentence) place.textContent = sentence;
}

function write(id: string, text: string): void {
  const place = element(id);
  if (place.textContent !== text) place.textContent = text;
}

const api = new URL("api/streams", base);
const poll = new Poll(api, { onAnswer: show, onAway: away }, {
  fetch: (url, init) => entry.fetch(url, init),
  ready: () => entry.ready,
});
entry.onChange(enterAnew);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) poll.hurry();
});
addEventListener("online", () => poll.hurry());
addEventListener("pageshow", ({ persisted }) => persisted && poll.hurry());
element("forget").addEventListener("click", forget);
poll.start();

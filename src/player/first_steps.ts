/**
 * How to make a stream, while there is none: commands for this very relay.
 *
 * @module
 */
import { copyText } from "./clipboard.ts";
import { part } from "./elements.ts";

/** How long a button says that it has copied, in milliseconds. */
const COPIED_MS = 2000;

/** Commands that make a stream at the relay `base`, each with what it does. */
export function commands(
  base: URL,
): { readonly what: string; readonly command: string }[] {
  const stream = new URL("live", base).href.replace(/^http/, "ws");
  return [
    {
      what: "A test pattern, with a counter and a clock in it",
      command: `stream publish --test-pattern ${stream}`,
    },
    {
      what: "A video, or anything else ffmpeg can read",
      command: `ffmpeg -re -i video.mp4 -f mjpeg -q:v 3 - | stream publish ${stream}`,
    },
  ];
}

/** Fills the section with commands for the relay at `base`, each made of `template`. */
export function showFirstSteps(
  section: HTMLElement,
  template: HTMLTemplateElement,
  base: URL,
): void {
  for (const { what, command } of commands(base)) {
    const root = template.content.cloneNode(true) as DocumentFragment;
    const code = part(root, "code", HTMLElement);
    const button = part(root, "button", HTMLButtonElement);
    part(root, ".what", HTMLElement).textContent = what;
    code.textContent = command;
    button.setAttribute("aria-label", `Copy the command: ${what}`);
    const label = part(button, "span", HTMLElement);
    let timer: ReturnType<typeof setTimeout> | undefined;
    button.addEventListener("click", async () => {
      clearTimeout(timer);
      label.textContent = await copy(code) ? "Copied" : "Press Ctrl+C";
      timer = setTimeout(() => label.textContent = "Copy", COPIED_MS);
    });
    section.append(root);
  }
}

/** Copies an element's text; where the page may not, selects it. */
async function copy(code: HTMLElement): Promise<boolean> {
  if (await copyText(code.textContent ?? "")) return true;
  // Selected, it can be copied by hand.
  getSelection()?.selectAllChildren(code);
  return false;
}

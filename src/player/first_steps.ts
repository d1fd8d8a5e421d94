/**
 * How to make a stream, while there is none: commands for this very relay.
 *
 * @module
 */
import { copyOnClick } from "./copy_button.ts";
import { part } from "./elements.ts";

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
    copyOnClick(button, code);
    section.append(root);
  }
}

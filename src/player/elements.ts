/**
 * The page's elements.
 *
 * @module
 */

/** The element with that id. */
export function element<T extends Element = HTMLElement>(id: string, type?: { new (): T }): T {
  const found: unknown = document.getElementById(id);
  if (!(found instanceof (type ?? HTMLElement))) throw new Error(`Cannot find #${id}`);
  return found as T;
}

/** The part of an element that a selector finds. */
export function part<T extends Element>(
  root: ParentNode,
  selector: string,
  type: { new (): T },
): T {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`Cannot find ${selector}`);
  return found;
}

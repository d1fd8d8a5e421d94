// @ts-check
/// <reference lib="dom" />
/**
 * The page's elements.
 *
 * @module
 */

/**
 * The element with that id.
 *
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @param {{ new (): T }} [type]
 * @returns {T}
 */
export function element(id, type) {
  /** @type {unknown} */
  const found = document.getElementById(id);
  if (!(found instanceof (type ?? HTMLElement))) throw new Error(`Cannot find #${id}`);
  return /** @type {T} */ (found);
}

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

/**
 * The part of an element that a selector finds.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {{ new (): T }} type
 * @returns {T}
 */
export function part(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`Cannot find ${selector}`);
  return found;
}

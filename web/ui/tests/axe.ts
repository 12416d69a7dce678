import axe from 'axe-core';
import { expect } from 'vitest';

/** jsdom draws and measures nothing: contrast, sizes and icon fonts are for a real browser to judge. */
const RULES = { 'color-contrast': { enabled: false }, 'target-size': { enabled: false }, 'label-content-name-mismatch': { enabled: false } };

/** Fail with the names of the rules that `root` breaks, and where. */
export async function expectAccessible(root: Element = document.body): Promise<void> {
  const { violations } = await axe.run(root, { rules: RULES });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([]);
}

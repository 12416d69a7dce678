/** Dark or light: the system's choice until a person makes another. */

import { create } from 'zustand';
import { recall, remember } from './storage';

export type Theme = 'dark' | 'light';
export type Choice = Theme | 'system';

const KEY = 'tally.theme';
const isChoice = (value: unknown): value is Choice => value === 'dark' || value === 'light' || value === 'system';
const prefersLight = () => window.matchMedia?.('(prefers-color-scheme: light)').matches ?? false;

interface ThemeStore {
  choice: Choice;
  /** Switch to the other theme; choosing what the system has follows the system again. */
  toggle: () => void;
}

export function effective(choice: Choice): Theme {
  if (choice !== 'system') return choice;
  return prefersLight() ? 'light' : 'dark';
}

export const useTheme = create<ThemeStore>((set, get) => ({
  choice: recall<Choice>(KEY, isChoice, 'system'),
  toggle: () => {
    const wanted: Theme = effective(get().choice) === 'dark' ? 'light' : 'dark';
    const choice: Choice = wanted === effective('system') ? 'system' : wanted;
    remember(KEY, choice);
    set({ choice });
  },
}));

/** Keep the document's theme as the store says, from now on. */
export function applyTheme(): void {
  const apply = ({ choice }: { choice: Choice }) => {
    if (choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  };
  apply(useTheme.getState());
  useTheme.subscribe(apply);
}

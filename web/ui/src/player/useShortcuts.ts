import { useEffect, useRef } from 'react';

export interface Shortcut {
  keys: string[];
  /** How the keys are written in the list. */
  label: string;
  what: string;
  act: () => void;
}

const TYPED_IN = 'input, textarea, select, [contenteditable="true"], [role="menu"]';
/** What these keys do on a focused control belongs to that control. */
const CONTROL_KEYS = new Set([' ', 'Enter']);
const SLIDER_KEYS = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']);

/** Is this key press meant for the player, and not for the control that has the focus? */
export function isForPlayer(event: Pick<KeyboardEvent, 'key' | 'target' | 'ctrlKey' | 'metaKey' | 'altKey' | 'defaultPrevented'>): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target instanceof Element ? event.target : null;
  if (document.querySelector('dialog[open]')) return false;
  if (target?.matches('input[type="range"]')) return !SLIDER_KEYS.has(event.key);
  if (target?.closest(TYPED_IN)) return false;
  return !(CONTROL_KEYS.has(event.key) && target?.closest('button, a, summary'));
}

/** Listen on the whole page: a watch page has one player, and it need not be focused first. */
export function useShortcuts(shortcuts: Shortcut[], isOn: boolean): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    if (!isOn) return;
    const listen = (event: KeyboardEvent) => {
      if (!isForPlayer(event)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const shortcut = latest.current.find(({ keys }) => keys.includes(key));
      if (!shortcut) return;
      event.preventDefault();
      shortcut.act();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [isOn]);
}

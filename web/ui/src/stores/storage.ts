/** Small values kept in the browser; where storage is blocked they last as long as the page. */

export function recall<T>(key: string, isGood: (value: unknown) => value is T, otherwise: T): T {
  try {
    const text = localStorage.getItem(key);
    const value: unknown = text === null ? null : JSON.parse(text);
    return isGood(value) ? value : otherwise;
  } catch {
    return otherwise; // blocked storage, or a value of another version
  }
}

/** Returns whether it was kept. */
export function remember(key: string, value: unknown): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // blocked or full: the value holds for this page
  }
}

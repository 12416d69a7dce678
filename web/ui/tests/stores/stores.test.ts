import { beforeEach, describe, expect, it, vi } from 'vitest';

/** Stores read the browser's storage when they are made: each test makes its own. */
async function fresh<T>(path: string): Promise<T> {
  vi.resetModules();
  return (await import(path)) as T;
}
const systemPrefers = (theme: 'dark' | 'light') =>
  vi.stubGlobal('matchMedia', (query: string) => ({ matches: query.includes(theme) }));

describe('theme', () => {
  type Module = typeof import('../../src/stores/theme');
  beforeEach(() => delete document.documentElement.dataset.theme);

  it('follows the system until it is told otherwise', async () => {
    systemPrefers('light');
    const { useTheme, effective, applyTheme } = await fresh<Module>('../../src/stores/theme');
    applyTheme();
    expect(effective(useTheme.getState().choice)).toBe('light');
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });

  it('remembers the other theme, and forgets it when the system’s is chosen again', async () => {
    systemPrefers('light');
    const { useTheme, applyTheme } = await fresh<Module>('../../src/stores/theme');
    applyTheme();
    useTheme.getState().toggle();
    expect(document.documentElement.dataset.theme).toBe('dark');
    expect(localStorage.getItem('tally.theme')).toBe('"dark"');
    useTheme.getState().toggle();
    expect(useTheme.getState().choice).toBe('system');
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });

  it('starts with what was remembered', async () => {
    systemPrefers('dark');
    localStorage.setItem('tally.theme', '"light"');
    const { useTheme } = await fresh<Module>('../../src/stores/theme');
    expect(useTheme.getState().choice).toBe('light');
  });
});

describe('sound', () => {
  type Module = typeof import('../../src/stores/sound');

  it('remembers volume and mute', async () => {
    const first = await fresh<Module>('../../src/stores/sound');
    first.useSound.getState().setVolume(0.35);
    first.useSound.getState().setMuted(true);
    const second = await fresh<Module>('../../src/stores/sound');
    expect(second.useSound.getState()).toMatchObject({ volume: 0.35, muted: true });
  });

  it.each(['nonsense', '{"volume":7,"muted":false}', '{"volume":"1"}', 'null', '[]'])('does not believe %s', async (text) => {
    localStorage.setItem('tally.sound', text);
    const { useSound } = await fresh<Module>('../../src/stores/sound');
    expect(useSound.getState()).toMatchObject({ volume: 1, muted: false });
  });

  it('keeps the volume between 0 and 1; 0 is mute', async () => {
    const { useSound } = await fresh<Module>('../../src/stores/sound');
    useSound.getState().setVolume(1.7);
    expect(useSound.getState()).toMatchObject({ volume: 1, muted: false });
    useSound.getState().setVolume(-0.1);
    expect(useSound.getState()).toMatchObject({ volume: 0, muted: true });
  });

  it('is heard again when unmuted at volume 0', async () => {
    const { useSound } = await fresh<Module>('../../src/stores/sound');
    useSound.getState().setVolume(0);
    useSound.getState().setMuted(false);
    expect(useSound.getState()).toMatchObject({ volume: 0.5, muted: false });
  });

  it('works where storage is blocked', async () => {
    vi.spyOn(Storage.prototype, 'getItem').mockImplementation(() => { throw new DOMException('blocked', 'SecurityError'); });
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => { throw new DOMException('blocked', 'SecurityError'); });
    const { useSound } = await fresh<Module>('../../src/stores/sound');
    useSound.getState().setVolume(0.2);
    expect(useSound.getState().volume).toBe(0.2);
  });
});

describe('toasts', () => {
  it('shows at most three and lets each go by itself', async () => {
    vi.useFakeTimers();
    const { useToasts } = await fresh<typeof import('../../src/stores/toasts')>('../../src/stores/toasts');
    for (const text of ['a', 'b', 'c', 'd']) useToasts.getState().show(text);
    expect(useToasts.getState().toasts.map(({ text }) => text)).toEqual(['b', 'c', 'd']);
    vi.advanceTimersByTime(5000);
    expect(useToasts.getState().toasts).toEqual([]);
  });
});

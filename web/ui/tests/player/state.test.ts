import { describe, expect, it } from 'vitest';
import { nextState, START, type PlayerEvent, type PlayerState } from '../../src/player/state';
import { TROUBLES } from '../../src/player/trouble';

const after = (...events: PlayerEvent[]): PlayerState => events.reduce(nextState, START);
const retry: PlayerEvent = { type: 'retry-planned', trouble: TROUBLES.network, at: 5000 };

describe('player state', () => {
  it('loads, plays, waits, plays', () => {
    expect(START.phase).toBe('loading');
    expect(after({ type: 'playing' }).phase).toBe('playing');
    expect(after({ type: 'playing' }, { type: 'waiting' }).phase).toBe('waiting');
    expect(after({ type: 'playing' }, { type: 'waiting' }, { type: 'playing' }).phase).toBe('playing');
  });

  it('shows no spinner over a paused picture', () => {
    expect(after({ type: 'playing' }, { type: 'pause' }, { type: 'waiting' }).phase).toBe('paused');
  });

  it('does not call a failure or an end a pause', () => {
    expect(after(retry, { type: 'pause' }).phase).toBe('retrying');
    expect(after({ type: 'failed', trouble: TROUBLES.codec }, { type: 'pause' }).phase).toBe('failed');
    expect(after({ type: 'playing' }, { type: 'ended' }, { type: 'pause' }).phase).toBe('ended');
  });

  it('keeps the words of a failure until the picture is back', () => {
    const again = after(retry, { type: 'load' });
    expect(again).toMatchObject({ phase: 'loading', trouble: TROUBLES.network, retryAt: null });
    expect(nextState(again, { type: 'playing' })).toMatchObject({ phase: 'playing', trouble: null });
  });

  it('tells when the next try is, and that there is none after a final failure', () => {
    expect(after(retry).retryAt).toBe(5000);
    expect(after(retry, { type: 'failed', trouble: TROUBLES.browser })).toMatchObject({ phase: 'failed', retryAt: null });
  });

  it('remembers that the browser muted, through reloads, until the viewer turns the sound on', () => {
    const muted = after({ type: 'muted-by-browser' }, { type: 'playing' }, { type: 'load' }, { type: 'playing' });
    expect(muted.isMutedByBrowser).toBe(true);
    expect(nextState(muted, { type: 'sound-on' }).isMutedByBrowser).toBe(false);
  });

  it('asks for a click when the browser wants one', () => {
    expect(after({ type: 'blocked' }).phase).toBe('blocked');
    expect(after({ type: 'blocked' }, { type: 'playing' }).phase).toBe('playing');
  });
});

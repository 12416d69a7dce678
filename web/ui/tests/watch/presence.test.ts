import { describe, expect, it } from 'vitest';
import { nextPresence, START, type Presence, type PresenceEvent } from '../../src/watch/presence';

const after = (...events: PresenceEvent[]): Presence => events.reduce(nextPresence, START);
const state = (isLive: boolean, sessionId: string | null = null): PresenceEvent => ({ type: 'state', isLive, sessionId });
const online = (sessionId: string): PresenceEvent => ({ type: 'online', sessionId });
const offline = (sessionId: string): PresenceEvent => ({ type: 'offline', sessionId });
const playable: PresenceEvent = { type: 'playable' };
const missing: PresenceEvent = { type: 'missing' };
const playedOut: PresenceEvent = { type: 'played-out' };

describe('presence', () => {
  it('plays what is there before the server has said anything', () => {
    expect(after(playable)).toEqual({ phase: 'live', sessionId: null, take: 1 });
  });

  it('does not load again when the server confirms what already plays', () => {
    expect(after(playable, state(true, 's1'))).toEqual({ phase: 'live', sessionId: 's1', take: 1 });
    expect(after(state(true, 's1'), playable).take).toBe(1);
    expect(after(playable, state(true, 's1'), state(true, 's1'), state(true)).take).toBe(1);
  });

  it('keeps the same object when nothing is new, so that nothing is drawn again', () => {
    const live = after(playable, state(true, 's1'));
    expect(nextPresence(live, state(true, 's1'))).toBe(live);
    expect(nextPresence(live, playable)).toBe(live);
  });

  it('is off air when there is no playlist, and when the server says so', () => {
    expect(after(missing).phase).toBe('offline');
    expect(after(state(false)).phase).toBe('offline');
  });

  it('turns into the player when the stream comes online', () => {
    const now = after(missing, state(false), online('s1'));
    expect(now).toEqual({ phase: 'live', sessionId: 's1', take: 2 });
  });

  it('takes a playlist that is missing a moment after "live" for a hiccup', () => {
    expect(after(state(true, 's1'), missing).phase).toBe('live');
  });

  it('plays the end out before it goes off air', () => {
    const ending = after(playable, state(true, 's1'), offline('s1'));
    expect(ending).toMatchObject({ phase: 'ending', take: 1 });
    expect(nextPresence(ending, playedOut).phase).toBe('offline');
    expect(nextPresence(ending, missing).phase).toBe('offline');
  });

  it('does not go off air because the picture ends while the server says "live"', () => {
    expect(after(state(true, 's1'), playedOut).phase).toBe('live');
  });

  it('loads a new session afresh', () => {
    expect(after(state(true, 's1'), online('s2'))).toEqual({ phase: 'live', sessionId: 's2', take: 2 });
    expect(after(state(true, 's1'), offline('s1'), online('s2'))).toMatchObject({ phase: 'live', sessionId: 's2', take: 2 });
    expect(after(state(true, 's1'), state(true, 's2')).take).toBe(2);
  });

  it('takes a false alarm back without loading again', () => {
    expect(after(state(true, 's1'), offline('s1'), state(true, 's1'))).toEqual({ phase: 'live', sessionId: 's1', take: 1 });
  });

  it('does not end because an older session ended', () => {
    expect(after(state(true, 's2'), offline('s1'))).toMatchObject({ phase: 'live', sessionId: 's2' });
  });

  it('believes the end of a session it never learnt the name of', () => {
    expect(after(playable, offline('s1')).phase).toBe('ending');
  });

  it('loads again after having been off air, also when it is the same session', () => {
    expect(after(state(true, 's1'), offline('s1'), playedOut, online('s1')).take).toBe(2);
  });

  it('knows that a viewer was cut short, until the next stream', () => {
    const cut = after(state(true, 's1'), offline('s1'), { type: 'cut-short' });
    expect(cut).toMatchObject({ phase: 'offline', isCutShort: true });
    expect(nextPresence(cut, online('s2'))).toEqual({ phase: 'live', sessionId: 's2', take: 2 });
    expect(after(state(true, 's1'), { type: 'cut-short' }).isCutShort).toBeUndefined();
  });
});

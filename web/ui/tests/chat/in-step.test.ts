import { beforeEach, describe, expect, it } from 'vitest';
import type { ServerMessage } from '../../src/api/types';
import { InStep, MAX_BEHIND_MS, MAX_WAITING, PictureClock, USUAL_LATENCY_MS } from '../../src/chat/in-step';
import { placed, said } from '../socket/events';

const T0 = 1_700_000_000_000;
let nowMs: number;
let shown: number[];
let clock: PictureClock;
let step: InStep;
const at = (seq: number, timestamp: number, pictureAt?: number) => ({ ...said(seq, { timestamp, ...(pictureAt !== undefined && { pictureAt }) }), timestamp });
const show = (event: ServerMessage) => void ('seq' in event && shown.push(event.seq as number));

beforeEach(() => {
  nowMs = T0;
  shown = [];
  clock = new PictureClock(() => nowMs);
  step = new InStep(clock, show, () => nowMs);
  step.isOn = true;
});

describe('chat in step with the picture', () => {
  it('shows a line when the picture gets to what its author saw', () => {
    clock.set(T0 - 12_000, true);
    expect(step.take(at(1, T0, T0 - 3000), null)).toBe(true);
    expect(step.waiting).toBe(1);
    expect(step.behindMs).toBe(12_000);
    nowMs += 2000;
    clock.set(T0 - 3001, true);
    step.tick();
    expect(shown).toEqual([]);
    clock.set(T0 - 3000, true);
    step.tick();
    expect(shown).toEqual([1]);
  });

  it('goes on between two looks at the player, and not while it stands still', () => {
    clock.set(T0 - 10_000, true);
    nowMs += 400;
    expect(clock.read()).toBe(T0 - 9600);
    clock.set(T0 - 10_000, false);
    nowMs += 400;
    expect(clock.read()).toBe(T0 - 10_000);
    nowMs += 5000;
    expect(clock.read()).toBeNull();
  });

  it('takes the usual latency for authors who did not say what they saw', () => {
    clock.set(T0 - USUAL_LATENCY_MS - 1, true);
    expect(step.take(at(1, T0), null)).toBe(true);
    clock.set(T0 - USUAL_LATENCY_MS, true);
    step.tick();
    expect(shown).toEqual([1]);
    expect(step.take(at(2, T0), null)).toBe(false);
  });

  it('keeps the order of the chat', () => {
    clock.set(T0 - 10_000, true);
    step.take(at(1, T0, T0 - 1000), null);
    expect(step.take(at(2, T0, T0 - 60_000), null)).toBe(true);
    clock.set(T0 - 1000, true);
    step.tick();
    expect(shown).toEqual([1, 2]);
  });

  it('lets through what moderators do, and what I say myself', () => {
    clock.set(T0 - 10_000, true);
    expect(step.take({ type: 'message_deleted', ...placed(3), messageId: 'm1', userId: 'u9', username: 'bo', moderator: '' }, null)).toBe(false);
    expect(step.take(at(4, T0), 'u9')).toBe(false);
  });

  it('shows nothing that was taken away while it waited', () => {
    clock.set(T0 - 10_000, true);
    step.take(at(1, T0), null);
    step.take(at(2, T0), null);
    step.drop(({ id }) => id === 'm1');
    step.isOn = false;
    step.tick();
    expect(shown).toEqual([2]);
  });

  it('does not wait without a picture, or for one that is too far behind', () => {
    expect(step.take(at(1, T0), null)).toBe(false);
    clock.set(T0 - MAX_BEHIND_MS - 1, true);
    expect(step.isTooFar).toBe(true);
    expect(step.take(at(2, T0), null)).toBe(false);
    clock.set(T0 - 10_000, true);
    step.take(at(3, T0), null);
    clock.set(null, false);
    step.tick();
    expect(shown).toEqual([3]);
  });

  it('is bounded', () => {
    clock.set(T0 - 10_000, true);
    for (let seq = 1; seq <= MAX_WAITING + 2; seq++) step.take(at(seq, T0), null);
    expect(step.waiting).toBe(MAX_WAITING);
    expect(shown).toEqual([1, 2]);
  });
});

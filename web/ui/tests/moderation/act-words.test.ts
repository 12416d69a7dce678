import { expect, it } from 'vitest';
import type { Act } from '../../src/api/types';
import { actWords } from '../../src/moderation/act-words';

const act = (change: Partial<Act>): Act => ({ id: 'a1', action: 'ban', moderator: 'ann', targetId: 'u2', targetName: 'bo', messageId: null, details: {}, createdAt: '2026-11-24T10:00:00Z', ...change });

it.each([
  [act({ details: { reason: 'spam' } }), { before: 'banned', after: '', more: 'spam' }],
  [act({ action: 'timeout', details: { durationS: '600', reason: '' } }), { before: 'timed out', after: 'for 10 minutes', more: '' }],
  [act({ action: 'grant', details: { role: 'vip' } }), { before: 'gave the role vip to', after: '', more: '' }],
  [act({ action: 'settings', details: { slowMode: '10', emoteOnly: 'true' } }), { before: 'changed the rules', after: '', more: 'slow mode: 10, emote only: true' }],
  [act({ action: 'delete', details: { content: '<b>x' } }), { before: 'deleted a message of', after: '', more: '<b>x' }],
  [act({ action: 'some_new_act' }), { before: 'some new act', after: '', more: '' }],
])('says what was done: %#', (entry, words) => {
  expect(actWords(entry)).toEqual(words);
});

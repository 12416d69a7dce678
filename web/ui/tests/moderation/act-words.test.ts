import { expect, it } from 'vitest';
import type { Act } from '../../src/api/types';
import { actWords } from '../../src/moderation/act-words';

const act = (change: Partial<Act>): Act => ({ id: 'a1', action: 'ban', moderator: 'ann', targetId: 'u2', targetName: 'bo', messageId: null, details: {}, createdAt: '2026-11-24T10:00:00Z', ...change });

it.each([
  [act({ details: { reason: 'spam' } }), { before: 'banned', after: '', more: 'spam' }],
  [act({ action: 'timeout', details: { durationS: '600', reason: '' } }), { before: 'timed out', after: 'for 10 minutes', more: '' }],
  [act({ action: 'grant', details: { role: 'vip' } }), { before: 'gave the role VIP to', after: '', more: '' }],
  [act({ action: 'settings', details: { slowMode: '10', emoteOnly: 'true' } }), { before: 'changed the rules', after: '', more: 'slow mode: 10, emote only: true' }],
  [act({ action: 'delete', details: { content: '<b>x' } }), { before: 'deleted a message of', after: '', more: '<b>x' }],
  [act({ action: 'decide', details: { report: '0192', outcome: 'acted' } }), { before: 'looked at a report about', after: 'and acted', more: '' }],
  [act({ action: 'raid', details: { channel: 'other', viewers: '12' } }), { before: 'sent the viewers to other', after: '', more: 'viewers: 12' }],
  [act({ action: 'accept', details: { channel: '0192', bans: '3' } }), { before: 'accepted the bans of another channel', after: '', more: 'bans: 3' }],
  [act({ details: { reason: 'spam', list: '0192' } }), { before: 'banned', after: 'by a shared list', more: 'spam' }],
  [act({ action: 'some_new_act' }), { before: 'some new act', after: '', more: '' }],
])('says what was done: %#', (entry, words) => {
  expect(actWords(entry)).toEqual(words);
});

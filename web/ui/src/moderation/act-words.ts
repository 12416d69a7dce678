/** An entry of the audit log as a sentence: who stands before it, `before` the target's name, `after` it. */

import type { Act } from '../api/types';
import { spell } from './durations';

export interface ActWords {
  before: string;
  after: string;
  /** What was said, or why: a line of its own. */
  more: string;
}

const WORDS: Record<string, readonly [before: string, after?: string]> = {
  ban: ['banned'],
  timeout: ['timed out'],
  unban: ['unbanned'],
  untimeout: ['ended the timeout of'],
  delete: ['deleted a message of'],
  clear: ['cleared the chat'],
  settings: ['changed the rules'],
  grant: ['gave a role to'],
  revoke: ['took a role from'],
  announce: ['announced'],
  pin: ['pinned a message of'],
  unpin: ['took the pinned message down'],
  raid: ['sent the viewers to another channel'],
  raided: ['brought the viewers of another channel'],
  approve: ['approved a message of'],
  deny: ['denied a message of'],
  decide: ['looked at a report about'],
  offer: ['offered the bans of this channel to another'],
  accept: ['accepted the bans of another channel'],
  end: ['ended a shared list of bans'],
  shared: ['took over bans of another channel'],
  unshared: ['lifted bans of another channel'],
};
const ROLES: Record<string, string> = { moderator: 'moderator', vip: 'VIP' };
const OUTCOMES: Record<string, string> = { acted: 'and acted', dismissed: 'and dismissed it' };

/** These are told in the sentence itself, or are ids, which say nothing to a person. */
const TOLD = new Set(['durationS', 'reason', 'content', 'role', 'color', 'outcome', 'report', 'list', 'channel']);

export function actWords({ action, details }: Act): ActWords {
  const [before, after = ''] = WORDS[action] ?? [action.replaceAll('_', ' ')];
  const { reason, content, durationS, role, outcome, list, channel } = details;
  const others = Object.entries(details).filter(([name, value]) => !TOLD.has(name) && value !== '').map(([name, value]) => `${spaced(name)}: ${value}`);
  const hasName = channel !== undefined && action.startsWith('raid');
  return {
    before: hasName ? before.replace('another channel', channel) : role ? before.replace('a role', `the role ${ROLES[role] ?? role}`) : before,
    after: [after, durationS && `for ${spell(Number(durationS))}`, outcome && OUTCOMES[outcome], list && /^(un)?ban$/.test(action) && 'by a shared list'].filter(Boolean).join(' '),
    more: [content, reason, others.join(', ')].filter(Boolean).join(' · '),
  };
}

/** "slowMode" as "slow mode". */
const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

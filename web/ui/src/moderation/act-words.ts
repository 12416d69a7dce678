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
  approve: ['approved a message of'],
  deny: ['denied a message of'],
  decide: ['looked at a report about'],
  offer: ['offered the bans of this channel'],
  accept: ['accepted the bans of another channel'],
  end: ['ended a shared list of bans'],
};

/** These are told in the sentence itself, or say nothing to a person. */
const TOLD = new Set(['durationS', 'reason', 'content', 'role', 'color']);

export function actWords({ action, details }: Act): ActWords {
  const [before, after = ''] = WORDS[action] ?? [action.replaceAll('_', ' ')];
  const { reason, content, durationS, role } = details;
  const others = Object.entries(details).filter(([name, value]) => !TOLD.has(name) && value !== '').map(([name, value]) => `${spaced(name)}: ${value}`);
  return {
    before: role ? before.replace('a role', `the role ${role}`) : before,
    after: [after, durationS && `for ${spell(Number(durationS))}`].filter(Boolean).join(' '),
    more: [content, reason, others.join(', ')].filter(Boolean).join(' · '),
  };
}

/** "slowMode" as "slow mode". */
const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

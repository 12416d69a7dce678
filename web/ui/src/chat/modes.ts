/** A chat's modes in words. */

import type { ChatSettings } from '../api/types';

/** "30 seconds", "10 minutes", "1 hour", "2 days". */
export function describeTime(seconds: number): string {
  const steps: [number, string][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']];
  for (const [length, unit] of steps) {
    if (seconds >= length && seconds % length === 0) return plural(seconds / length, unit);
  }
  return seconds >= 60 ? `${plural(Math.floor(seconds / 60), 'minute')} ${plural(seconds % 60, 'second')}` : plural(seconds, 'second');
}

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

export interface Mode {
  id: string;
  /** Short, for a line of them. */
  label: string;
  /** A sentence. */
  text: string;
}

/** The modes that are on, those that matter most to who wants to speak first. */
export function modesOf(settings: ChatSettings): Mode[] {
  const { slowMode, followerMinutes, accountAgeMinutes } = settings;
  const modes: (Mode | false)[] = [
    settings.subscriberOnly && { id: 'subscriberOnly', label: 'Subscribers only', text: 'Only subscribers can chat.' },
    settings.followerOnly && {
      id: 'followerOnly',
      label: followerMinutes ? `Followers for ${describeTime(followerMinutes * 60)}` : 'Followers only',
      text: followerMinutes ? `Only who has followed for ${describeTime(followerMinutes * 60)} can chat.` : 'Only followers can chat.',
    },
    settings.emoteOnly && { id: 'emoteOnly', label: 'Emotes only', text: 'Only emotes can be sent.' },
    slowMode > 0 && { id: 'slowMode', label: `Slow: ${describeTime(slowMode)}`, text: `One message every ${describeTime(slowMode)}.` },
    settings.uniqueChat && { id: 'uniqueChat', label: 'Unique', text: 'Nothing can be said that was just said.' },
    accountAgeMinutes > 0 && { id: 'accountAge', label: `Accounts of ${describeTime(accountAgeMinutes * 60)}`, text: `Accounts have to be ${describeTime(accountAgeMinutes * 60)} old.` },
    !settings.linksAllowed && { id: 'links', label: 'No links', text: settings.holdLinks ? 'Links wait for a moderator.' : 'Links are not allowed.' },
  ];
  return modes.filter((mode): mode is Mode => mode !== false);
}

const OFF: Record<string, string> = {
  subscriberOnly: 'Everybody can chat again, not only subscribers.', followerOnly: 'Everybody can chat again, not only followers.', emoteOnly: 'Words can be sent again.',
  slowMode: 'Slow mode is off.', uniqueChat: 'Things can be said twice again.', accountAge: 'Accounts of any age can chat again.', links: 'Links are allowed again.',
};

/** What changed, a sentence for each. */
export function changesOf(before: ChatSettings | null, after: ChatSettings): string[] {
  if (!before) return [];
  const [old, now] = [modesOf(before), modesOf(after)];
  const begun = now.filter((mode) => !old.some(({ id, text }) => id === mode.id && text === mode.text)).map(({ text }) => text);
  const ended = old.filter((mode) => !now.some(({ id }) => id === mode.id)).map(({ id }) => OFF[id]!);
  return [...begun, ...ended];
}

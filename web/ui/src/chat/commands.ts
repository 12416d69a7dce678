/** What can be typed behind a slash, as the server knows it (chat/moderation/commands.py): for completion only, the server decides. */

import type { You } from '../api/types';
import { mayModerate } from './room';

type Rank = 'anybody' | 'moderator' | 'owner';

export interface Command {
  name: string;
  usage: string;
  help: string;
  rank: Rank;
}

const rows = (rank: Rank, table: Record<string, [usage: string, help: string]>): Command[] =>
  Object.entries(table).map(([name, [usage, help]]) => ({ name, usage, help, rank }));

export const COMMANDS: readonly Command[] = [
  ...rows('anybody', {
    me: ['<text>', 'Say what you do'],
    help: ['[command]', 'What a command does'],
    mods: ['', 'Who moderates'],
    vips: ['', 'Who the VIPs are'],
    user: ['<name>', 'Who somebody is'],
  }),
  ...rows('moderator', {
    timeout: ['<name> [duration] [reason]', 'Silence for 10 minutes, or as long as you say'],
    untimeout: ['<name>', 'End a timeout'],
    ban: ['<name> [reason]', 'Ban for good'],
    unban: ['<name>', 'Lift a ban or a timeout'],
    delete: ['<message id>', 'Take a message away'],
    clear: ['', 'Take everything away'],
    slow: ['[duration]', 'Once in 30 seconds, or as long as you say'],
    slowoff: ['', 'End slow mode'],
    followers: ['[duration]', 'Followers only'],
    followersoff: ['', 'Not only followers'],
    subscribers: ['', 'Subscribers only'],
    subscribersoff: ['', 'Not only subscribers'],
    emoteonly: ['', 'Emotes only'],
    emoteonlyoff: ['', 'Words again'],
    uniquechat: ['', 'Nothing twice'],
    uniquechatoff: ['', 'Let people repeat each other'],
    announce: ['<text>', 'Say something that is to be seen'],
    announceblue: ['<text>', 'Announce in blue'],
    announcegreen: ['<text>', 'Announce in green'],
    announceorange: ['<text>', 'Announce in orange'],
    announcepurple: ['<text>', 'Announce in purple'],
    pin: ['<message id> [duration]', 'Keep a message at the top'],
    unpin: ['', 'Take the pinned message down'],
    block: ['<term>', 'Refuse messages with it'],
    unblock: ['<term>', 'Allow it again'],
  }),
  ...rows('owner', {
    mod: ['<name>', 'Make somebody a moderator'],
    unmod: ['<name>', 'A viewer again'],
    vip: ['<name>', 'Make somebody a VIP'],
    unvip: ['<name>', 'A viewer again'],
    raid: ['<channel>', 'Send your viewers to that channel'],
  }),
];

/** Those that somebody may use. */
export function commandsFor(you: You | null): readonly Command[] {
  const isOwner = you?.role === 'broadcaster' || (you?.badges.some(({ type }) => type === 'staff') ?? false);
  return COMMANDS.filter(({ rank }) => rank === 'anybody' || (rank === 'moderator' ? mayModerate(you) : isOwner));
}

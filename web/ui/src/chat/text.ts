/** A message's text as what it is made of: words, emotes, mentions, links. All of it stays text; nothing is markup. */

import type { ChatMessage } from '../api/types';

export type Part =
  | { type: 'text'; text: string }
  | { type: 'emote'; id: string; name: string }
  | { type: 'mention'; userId: string; text: string }
  | { type: 'link'; href: string; text: string };

interface Range {
  start: number;
  end: number;
  part: (text: string) => Part;
}

const SURROGATE = /[\uD800-\uDFFF]/;
const LINK = /\bhttps:\/\/[^\s<>"'`]+/gi;
/** What ends a sentence around an address is no part of it. */
const TRAILING = /[.,;:!?)\]}*_~…。、]+$/;

/** Return a function from places in code points, as the server counts them, to places in UTF-16 units, as strings have them. */
export function unitsOf(content: string): (codePoints: number) => number {
  if (!SURROGATE.test(content)) return (place) => Math.min(place, content.length);
  const units: number[] = [];
  let unit = 0;
  for (const character of content) {
    units.push(unit);
    unit += character.length;
  }
  return (place) => units[place] ?? content.length;
}

/** How many characters a person, and the server, count. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Cut a message into parts; ranges that make no sense are passed over. */
export function partsOf({ content, emotes, mentions }: Pick<ChatMessage, 'content' | 'emotes' | 'mentions'>): Part[] {
  const units = unitsOf(content);
  const parts: Part[] = [];
  let done = 0;
  for (const { start, end, part } of rangesOf(emotes, mentions ?? [])) {
    const [from, to] = [units(start), units(end)];
    if (from < done || to <= from) continue;
    parts.push(...withLinks(content.slice(done, from)));
    parts.push(part(content.slice(from, to)));
    done = to;
  }
  parts.push(...withLinks(content.slice(done)));
  return parts;
}

function rangesOf(emotes: ChatMessage['emotes'], mentions: NonNullable<ChatMessage['mentions']>): Range[] {
  const ranges: Range[] = [
    ...emotes.map(({ id, name, start, end }): Range => ({ start, end, part: () => ({ type: 'emote', id, name }) })),
    ...mentions.map(({ userId, start, end }): Range => ({ start, end, part: (text) => ({ type: 'mention', userId, text }) })),
  ];
  return ranges.sort((one, other) => one.start - other.start);
}

function withLinks(text: string): Part[] {
  if (!text) return [];
  const parts: Part[] = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const written = trimmed(match[0]);
    const href = addressOf(written);
    if (!href) continue;
    if (match.index > done) parts.push({ type: 'text', text: text.slice(done, match.index) });
    parts.push({ type: 'link', href, text: written });
    done = match.index + written.length;
  }
  if (done < text.length) parts.push({ type: 'text', text: text.slice(done) });
  return parts;
}

/** A closing bracket stays where the address opens one itself. */
function trimmed(written: string): string {
  const cut = written.replace(TRAILING, '');
  return written[cut.length] === ')' && cut.includes('(') && !cut.includes(')') ? `${cut})` : cut;
}

function addressOf(written: string): string | null {
  if (!URL.canParse(written)) return null;
  const url = new URL(written);
  return url.protocol === 'https:' && url.hostname.includes('.') && !url.username && !url.password ? url.href : null;
}

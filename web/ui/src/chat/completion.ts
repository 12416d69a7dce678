/** What a half-typed word could become: an emote behind ":", a name behind "@", a command behind "/". */

import type { Emote } from '../api/types';
import type { Command } from './commands';

export const MAX_OFFERS = 8;

export type Offer =
  | { type: 'emote'; insert: string; emote: Emote }
  | { type: 'name'; insert: string; username: string; displayName: string }
  | { type: 'command'; insert: string; command: Command };

export interface Completion {
  /** What is replaced, in UTF-16 units. */
  start: number;
  end: number;
  offers: Offer[];
}

export interface Sources {
  emotes: readonly Emote[];
  /** Those who spoke last first. */
  names: readonly { username: string; displayName: string }[];
  commands: readonly Command[];
}

/** What can be offered for the word in front of `caret`; null: nothing. */
export function complete(text: string, caret: number, sources: Sources): Completion | null {
  const start = wordStart(text, caret);
  const word = text.slice(start, caret);
  const offers = start === 0 && word.startsWith('/') ? commandsLike(word.slice(1), sources.commands) : word.startsWith('@') ? namesLike(word.slice(1), sources.names) : emotesLike(word, sources.emotes);
  return offers.length > 0 ? { start, end: wordEnd(text, caret), offers: offers.slice(0, MAX_OFFERS) } : null;
}

/** Put an offer in the place of the half-typed word; returns the text and where the caret stands then. */
export function accept(text: string, { start, end }: Completion, { insert }: Offer): { text: string; caret: number } {
  const rest = text.slice(end).replace(/^ /, '');
  const before = `${text.slice(0, start)}${insert} `;
  return { text: before + rest, caret: before.length };
}

/** How the command that is being typed goes on; null: none is. */
export function usageOf(text: string, commands: readonly Command[]): Command | null {
  const name = /^\/([a-z]+)\s/i.exec(text)?.[1]?.toLowerCase();
  return commands.find((command) => command.name === name) ?? null;
}

function commandsLike(typed: string, commands: readonly Command[]): Offer[] {
  const like = typed.toLowerCase();
  return commands.filter(({ name }) => name.startsWith(like)).map((command) => ({ type: 'command', insert: `/${command.name}`, command }));
}

function namesLike(typed: string, names: Sources['names']): Offer[] {
  const like = typed.toLowerCase();
  return names
    .filter(({ username, displayName }) => username.startsWith(like) || displayName.toLowerCase().startsWith(like))
    .map(({ username, displayName }) => ({ type: 'name', insert: `@${username}`, username, displayName }));
}

/** Behind a colon and a letter: those that begin with it first, then those that contain it. */
function emotesLike(word: string, emotes: readonly Emote[]): Offer[] {
  const typed = /^:([A-Za-z0-9_]+):?$/.exec(word)?.[1]?.toLowerCase();
  return typed === undefined ? [] : searched(typed, emotes).map((emote) => ({ type: 'emote', insert: emote.name, emote }));
}

/** Emotes whose name has `typed` in it, those that begin with it first. */
export function searched(typed: string, emotes: readonly Emote[]): Emote[] {
  const like = typed.toLowerCase();
  const found = emotes.filter(({ name }) => name.toLowerCase().includes(like));
  return [...found.filter(({ name }) => name.toLowerCase().startsWith(like)), ...found.filter(({ name }) => !name.toLowerCase().startsWith(like))];
}

function wordStart(text: string, caret: number): number {
  return text.slice(0, caret).search(/\S*$/);
}

function wordEnd(text: string, caret: number): number {
  return caret + (/^\S*/.exec(text.slice(caret))?.[0].length ?? 0);
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Emote } from '../../src/api/types';
import { COMMANDS, commandsFor } from '../../src/chat/commands';
import { accept, complete, usageOf, type Sources } from '../../src/chat/completion';
import { you } from '../socket/events';

const emote = (name: string): Emote => ({ id: name, channelId: null, name, tier: 0, isAnimated: false, url: '', createdAt: '' });
const sources: Sources = { emotes: [emote('tallyWave'), emote('tallyLove'), emote('waveBack')], names: [{ username: 'bo', displayName: 'Bo' }, { username: 'bob', displayName: 'Roberta' }], commands: COMMANDS };
const offered = (text: string, caret = text.length) => complete(text, caret, sources)?.offers.map(({ insert }) => insert) ?? [];

describe('completion', () => {
  it('offers emotes behind a colon, those that begin so first', () => {
    expect(offered('hi :wav')).toEqual(['waveBack', 'tallyWave']);
    expect(offered(':')).toEqual([]);
    expect(offered('10:30')).toEqual([]);
    expect(offered('https://x')).toEqual([]);
  });

  it('offers names behind @, by either of their names', () => {
    expect(offered('@b')).toEqual(['@bo', '@bob']);
    expect(offered('hello @robe')).toEqual(['@bob']);
    expect(offered('me@b')).toEqual([]);
  });

  it('offers commands at the begin of a line only', () => {
    expect(offered('/slo')).toEqual(['/slow', '/slowoff']);
    expect(offered('a /slo')).toEqual([]);
  });

  it('replaces the word that the caret is in', () => {
    const text = 'x :wavy y';
    const completion = complete(text, 5, sources)!;
    expect(accept(text, completion, completion.offers[0]!)).toEqual({ text: 'x waveBack y', caret: 11 });
  });

  it('says how a command goes on', () => {
    expect(usageOf('/timeout bo', COMMANDS)?.usage).toBe('<name> [duration] [reason]');
    expect(usageOf('/timeout', COMMANDS)).toBeNull();
  });
});

describe('commands', () => {
  it('are those of the server, typed as it wants them', () => {
    const source = readFileSync('../../chat/moderation/commands.py', 'utf8');
    const rows = [...source.matchAll(/^ {4}"([a-z]+)": Syntax\("([^"]*)"/gm)].map(([, name, usage]) => [name, usage]);
    expect(rows.length).toBeGreaterThan(20);
    const ours = COMMANDS.filter(({ name }) => name !== 'me').map(({ name, usage }) => [name, usage]);
    expect(ours.sort()).toEqual(rows.sort());
  });

  it('are offered to those who may use them', () => {
    const names = (role: 'viewer' | 'moderator' | 'broadcaster') => commandsFor(you({ role })).map(({ name }) => name);
    expect(names('viewer')).not.toContain('ban');
    expect(names('moderator')).toContain('ban');
    expect(names('moderator')).not.toContain('raid');
    expect(names('broadcaster')).toContain('raid');
    expect(commandsFor(you({ badges: [{ type: 'staff' }] })).length).toBe(COMMANDS.length);
  });
});

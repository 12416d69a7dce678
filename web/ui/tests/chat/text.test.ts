import { describe, expect, it } from 'vitest';
import { countCodePoints, partsOf, unitsOf } from '../../src/chat/text';

const emote = (name: string, start: number, end: number) => ({ id: `id-${name}`, name, start, end });
const words = (content: string) => partsOf({ content, emotes: [], mentions: [] });

describe('places in code points', () => {
  it('are UTF-16 units where nothing is beyond the basic plane', () => {
    const units = unitsOf('añ日 x');
    expect([0, 3, 4, 5, 99].map(units)).toEqual([0, 3, 4, 5, 5]);
  });

  it('count an emoji once', () => {
    expect([0, 1, 2, 3].map(unitsOf('😀😀a'))).toEqual([0, 2, 4, 5]);
    expect(countCodePoints('😀a')).toBe(2);
  });

  it('find an emote behind emoji', () => {
    expect(partsOf({ content: '😀 👩‍🚀 wave!', emotes: [emote('wave', 6, 10)] })).toEqual([
      { type: 'text', text: '😀 👩‍🚀 ' }, { type: 'emote', id: 'id-wave', name: 'wave' }, { type: 'text', text: '!' },
    ]);
  });
});

describe('parts of a message', () => {
  it('come in the order of the text, whatever the order of the ranges', () => {
    const parts = partsOf({ content: '@bo wave wave', emotes: [emote('wave', 9, 13), emote('wave', 4, 8)], mentions: [{ userId: 'u9', username: 'bo', start: 0, end: 3 }] });
    expect(parts.map(({ type }) => type)).toEqual(['mention', 'text', 'emote', 'text', 'emote']);
  });

  it('pass over ranges that make no sense', () => {
    const text = (start: number, end: number) => partsOf({ content: 'hello', emotes: [emote('x', start, end)] });
    for (const [start, end] of [[3, 3], [4, 2], [9, 12]] as const) expect(text(start, end)).toEqual([{ type: 'text', text: 'hello' }]);
    const twice = partsOf({ content: 'hello', emotes: [emote('a', 0, 4), emote('b', 2, 5)] });
    expect(twice).toEqual([{ type: 'emote', id: 'id-a', name: 'a' }, { type: 'text', text: 'o' }]);
  });

  it('make links of https addresses alone', () => {
    for (const content of ['http://a.example', 'javascript:alert(1)', 'ftp://a.example', 'https://', 'https://nodots', 'https://user:word@a.example', 'data:text/html,x']) {
      expect(words(content), content).toEqual([{ type: 'text', text: content }]);
    }
  });

  it('leave what ends a sentence out of a link', () => {
    expect(words('see https://a.example/b, or (https://c.example).')).toEqual([
      { type: 'text', text: 'see ' }, { type: 'link', href: 'https://a.example/b', text: 'https://a.example/b' }, { type: 'text', text: ', or (' },
      { type: 'link', href: 'https://c.example/', text: 'https://c.example' }, { type: 'text', text: ').' },
    ]);
    expect(words('https://en.example/Lamp_(light)')[0]).toMatchObject({ text: 'https://en.example/Lamp_(light)' });
  });

  it('show where a look-alike address really goes', () => {
    expect(words('https://gооgle.example/')[0]).toMatchObject({ type: 'link', href: 'https://xn--ggle-55da.example/' });
  });
});

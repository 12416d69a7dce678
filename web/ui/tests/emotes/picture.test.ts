import { describe, expect, it } from 'vitest';
import { fileTrouble, nameFrom, nameTrouble, PICTURE_MAX_BYTES, sizeAdvice, sizeTrouble } from '../../src/emotes/picture';
import { slotsLeft } from '../../src/emotes/slots';
import { emote } from './emote';

describe('a picture', () => {
  it.each([['image/png', 10, null], ['image/svg+xml', 10, 'Use a PNG'], ['', 10, 'Use a PNG'], ['image/gif', PICTURE_MAX_BYTES, null], ['image/gif', PICTURE_MAX_BYTES + 200_000, '1.2 MiB'], ['image/webp', 0, 'empty']])('of type %s and %d bytes', (type, size, trouble) => {
    if (trouble === null) expect(fileTrouble({ type, size })).toBeNull();
    else expect(fileTrouble({ type, size })).toContain(trouble);
  });

  it('may be too large, small or wide', () => {
    expect(sizeTrouble(4096, 4096)).toBeNull();
    expect(sizeTrouble(4097, 10)).toContain('4097 × 10');
    expect([sizeAdvice(112, 112), sizeAdvice(28, 28), sizeAdvice(500, 112)].map(Boolean)).toEqual([false, true, true]);
  });
});

describe('a name', () => {
  it.each([['', null], ['partyCat_2', null], ['x', '2 to 32'], ['x'.repeat(33), '2 to 32'], ['party cat', 'Letters'], ['pärty', 'Letters'], ['demoHi', 'has an emote'], ['demohi', null]])('%s', (name, trouble) => {
    const said = nameTrouble(name, ['demoHi']);
    if (trouble === null) expect(said).toBeNull();
    else expect(said).toContain(trouble);
  });

  it.each([['Party Cat-2.png', 'PartyCat2'], ['é.gif', 'e'], ['漢字.webp', ''], [`${'a'.repeat(40)}.png`, 'a'.repeat(32)], ['noend', 'noend']])('is made of %s', (file, name) => {
    expect(nameFrom(file)).toBe(name);
  });
});

it('counts the places that are left', () => {
  const kept = [emote({ tier: 1 }), ...Array.from({ length: 7 }, () => emote({ tier: 2 }))];
  expect([0, 1, 2, 3].map((tier) => slotsLeft(kept, tier as 0 | 1 | 2 | 3))).toEqual([20, 4, 0, 10]);
});

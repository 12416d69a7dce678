import { describe, expect, it } from 'vitest';
import { hostAndPort, makePassphrase, passphraseTrouble, srtAddress } from '../../src/dashboard/addresses';

it('puts key and passphrase into the one address that OBS takes', () => {
  expect(srtAddress('srt://tv.example:8890', { key: 'KEY', passphrase: null })).toBe('srt://tv.example:8890?streamid=KEY');
  expect(srtAddress('srt://tv.example:8890?latency=1', { key: 'live_1', passphrase: 'correct horse' })).toBe('srt://tv.example:8890?latency=1&streamid=live_1&passphrase=correct horse');
});

it.each([['srt://tv.example:8890', 'tv.example', '8890'], ['srt://[2001:db8::1]:8890?a=b', '[2001:db8::1]', '8890'], ['rtmp://tv.example/live', 'tv.example', ''], ['odd', '', '']])('takes %s apart', (address, host, port) => {
  expect(hostAndPort(address)).toEqual({ host, port });
});

describe('a passphrase', () => {
  it.each(['too short', 'x'.repeat(80), 'with a space', 'rock&roll-is-here', '100%-sure-of-it', 'a+b+c+d+e+f', 'hash#tag-passphrase', 'grüße-aus-berlin'])('may not be %s', (text) => expect(passphraseTrouble(text)).not.toBeNull());
  it.each(['0123456789', "it's-(fine)_here!", 'x'.repeat(79)])('may be %s', (text) => expect(passphraseTrouble(text)).toBeNull());

  it('that is made fits, and is another one each time', () => {
    const made = Array.from({ length: 50 }, makePassphrase);
    expect(new Set(made).size).toBe(50);
    expect(made.filter((text) => !/^[2-9a-hjkmnp-z]{24}$/.test(text) || passphraseTrouble(text))).toEqual([]);
  });
});

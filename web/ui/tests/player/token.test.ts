import { expect, it } from 'vitest';
import { sameness, tokenOf, withToken } from '../../src/player/token';

it('finds and replaces the token of an address, and leaves other addresses alone', () => {
  const old = 'http://tv.example/vods/~k1.17.aaa/v1/playlist.m3u8';
  expect(tokenOf(old)).toBe('k1.17.aaa');
  expect(withToken(old, 'k1.99.$&b')).toBe('http://tv.example/vods/~k1.99.$&b/v1/playlist.m3u8');
  expect(withToken(old, null)).toBe(old);
  for (const url of ['/hls/demo/playlist.m3u8', 'https://s3.example/recordings/c1/~x/video-1.m4s?sig=/hls/']) {
    expect(tokenOf(url)).toBeNull();
    expect(withToken(url, 'k2.1.c')).toBe(url);
  }
  expect(sameness(old)).toBe(sameness(withToken(old, 'new')));
  expect(sameness(old)).not.toBe(sameness('http://tv.example/vods/v1/playlist.m3u8'));
});

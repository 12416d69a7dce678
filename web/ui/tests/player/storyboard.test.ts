import { describe, expect, it } from 'vitest';
import { parseStoryboard, someOf, tileAt } from '../../src/player/storyboard';

const TEXT = `WEBVTT

00:00:00.000 --> 00:00:10.000
storyboard-0-2.jpg#xywh=0,0,160,90

00:00:10.000 --> 01:00:20.500
storyboard-0-2.jpg#xywh=160,0,160,90

100:00:00.000 --> 100:00:10.000
storyboard-1-1.jpg#xywh=0,90,160,90
`;
const tiles = parseStoryboard(TEXT, 'http://tv.example/hls/~a.1.b/demo/s1/storyboard.vtt');

describe('storyboard', () => {
  it('reads times, sheets beside the list, and places', () => {
    expect(tiles).toHaveLength(3);
    expect(tiles[1]).toEqual({ startS: 10, endS: 3620.5, url: 'http://tv.example/hls/~a.1.b/demo/s1/storyboard-0-2.jpg', x: 160, y: 0, width: 160, height: 90 });
    expect(tiles[2]!.startS).toBe(360_000);
  });

  it('reads Windows line ends and hours that are left out, and passes over what is no tile', () => {
    const text = 'WEBVTT\r\n\r\nNOTE hello\r\n\r\n1\r\n01:00.000 --> 01:10.000 line:0\r\na.jpg#xywh=pixel:0,0,4,3\r\n\r\n00:00.000 --> 00:10.000\r\njust words\r\n\r\n00:00.000 --> 00:01.000\r\nb.jpg#xywh=0,0,0,0';
    expect(parseStoryboard(text, 'http://x/').map(({ startS, url }) => [startS, url])).toEqual([[60, 'http://x/a.jpg']]);
    expect(parseStoryboard('', 'http://x/')).toEqual([]);
  });

  it('shows the newest picture that is not later', () => {
    expect([0, 9.9, 10, 5000, 500_000].map((second) => tileAt(tiles, second)?.startS)).toEqual([0, 0, 10, 10, 360_000]);
    expect(tileAt(tiles, -5)?.startS).toBe(0);
    expect(tileAt([], 3)).toBeNull();
  });

  it('picks some over the whole', () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ...tiles[0]!, startS: index }));
    expect(someOf(many, 4).map(({ startS }) => startS)).toEqual([12, 37, 62, 87]);
    expect(someOf(tiles, 8)).toHaveLength(3);
  });
});

import { describe, expect, it } from 'vitest';
import {
  formatAgo, formatBitrate, formatBytes, formatCategory, formatCodec, formatDuration, formatEncoder, formatLanguage, formatSeconds,
  formatViewers, hueOf, initialOf, slug,
} from '../src/format';

describe('format', () => {
  it.each([[0, '0:00'], [4999, '0:04'], [65_000, '1:05'], [3_609_000, '1:00:09'], [93_600_000, '26:00:00'], [-50, '0:00']])(
    'writes %i ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([[0, '0 viewers'], [1, '1 viewer'], [999, '999 viewers'], [1284, '1.3K viewers'], [2_000_000, '2M viewers']])(
    'counts %i as %s', (count, text) => expect(formatViewers(count)).toBe(text));

  it.each([[0, '–'], [null, '–'], [undefined, '–'], [-3, '–'], [128_400, '128 kb/s'], [6_049_000, '6.0 Mb/s']])(
    'writes a bitrate of %s as %s', (bps, text) => expect(formatBitrate(bps)).toBe(text));

  it('has a sign for seconds it does not know', () => {
    expect([null, undefined, NaN, Infinity].map((value) => formatSeconds(value))).toEqual(['–', '–', '–', '–']);
    expect(formatSeconds(1.3041, 2)).toBe('1.30 s');
  });

  it('writes bytes in megabytes and gigabytes', () => {
    expect([formatBytes(4_200_000), formatBytes(1_234_000_000)]).toEqual(['4.2 MB', '1.23 GB']);
  });

  it.each([
    ['avc1.64001f', 'H.264'], ['avc3.42e01e', 'H.264'], ['hvc1.1.6.L93', 'HEVC'], ['hev1.1.6.L93', 'HEVC'], ['av01.0.08M.08', 'AV1'],
    ['mp4a.40.2', 'AAC'], ['Opus', 'Opus'], ['dvh1.05', 'dvh1.05'], ['', '–'],
  ])('knows the codec %s', (codec, text) => expect(formatCodec(codec)).toBe(text));

  it('shortens what encoders say of themselves', () => {
    expect(formatEncoder('obs-output module (libobs version 30.2.3)')).toBe('OBS 30.2.3');
    expect(formatEncoder('Lavf60.16.100')).toBe('FFmpeg (Lavf60.16.100)');
    expect(formatEncoder('')).toBe('Unknown encoder');
  });

  it('tells how long ago', () => {
    const now = Date.parse('2026-11-24T12:00:00Z');
    expect(formatAgo('2026-11-24T11:59:30Z', now)).toBe('just now');
    expect(formatAgo('2026-11-24T09:00:00Z', now)).toBe('3 hours ago');
    expect(formatAgo('2026-11-23T12:00:00Z', now)).toBe('yesterday');
  });

  it('turns headlines into category ids and back', () => {
    expect(slug('  Just Chatting! ')).toBe('just-chatting');
    expect(slug('Pokémon & Co.')).toBe('pokemon-co');
    expect(slug('---')).toBe('');
    expect(slug('x'.repeat(80))).toHaveLength(50);
    expect(formatCategory('just-chatting')).toBe('Just chatting');
    expect(formatCategory('')).toBe('');
    for (const id of ['just-chatting', 'a', 'retro-80s']) expect(slug(formatCategory(id))).toBe(id);
  });

  it('shows a language tag that nobody knows as it is', () => {
    expect(formatLanguage('de')).toBe('German');
    expect(formatLanguage('not a tag!')).toBe('not a tag!');
  });

  it('gives each name its own steady hue', () => {
    const hues = ['demo', 'marble', 'orchardcam', '日本'].map(hueOf);
    expect(new Set(hues).size).toBe(4);
    for (const hue of hues) expect(hue >= 0 && hue < 360).toBe(true);
    expect(hueOf('demo')).toBe(hueOf('demo'));
  });

  it('takes a whole character as the initial', () => {
    expect([initialOf(' ann'), initialOf('🎥 cam'), initialOf('')]).toEqual(['A', '🎥', '?']);
  });
});

import type { ErrorData } from 'hls.js';
import { describe, expect, it } from 'vitest';
import { verdictOn } from '../../src/player/verdict';
import { FakeHls } from './fake-hls';

const verdict = (details: string, code?: number, more: object = {}) =>
  verdictOn(FakeHls.asClass, { fatal: true, type: 'network', details, ...(code && { response: { code } }), ...more } as unknown as ErrorData);

describe('the verdict on an error', () => {
  it('leaves to hls.js what it mends', () => {
    expect(verdict('fragLoadError', 500, { fatal: false })).toBeNull();
  });

  it.each([
    ['manifestLoadError', 404, 'network', { what: 'missing', isGone: false, hasManifest: false }],
    ['manifestLoadError', 403, 'network', { what: 'network', isRefused: true, hasManifest: false }],
    ['manifestLoadError', 503, 'network', { what: 'network', isRefused: false }],
    ['levelLoadError', 404, 'network', { what: 'network', isGone: true, hasManifest: true }],
    ['levelLoadError', 401, 'network', { what: 'network', isGone: false, isRefused: true }],
    ['fragLoadError', 404, 'network', { what: 'network', isGone: false }],
    ['fragGap', undefined, 'media', { what: 'gap' }],
    ['bufferAddCodecError', undefined, 'media', { what: 'codec' }],
    ['bufferAppendError', undefined, 'media', { what: 'media' }],
  ])('%s %s is judged', (details, code, type, expected) => {
    expect(verdict(details, code, { type })).toMatchObject(expected);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/api/errors';
import { captureTrouble, obstacle, publishTrouble, type Device } from '../../src/broadcast/trouble';
import { WhipError } from '../../src/broadcast/whip';
import { installMedia } from './fake-media';
import { FakePeer } from './fake-peer';

describe('obstacles', () => {
  it('are none where camera and WebRTC are there', () => {
    installMedia();
    FakePeer.install();
    expect(obstacle()).toBeNull();
  });

  it('names the address that is not encrypted before anything else', () => {
    vi.stubGlobal('isSecureContext', false);
    expect(obstacle()).toMatchObject({ id: 'insecure', text: expect.stringContaining(`https://${window.location.host}`) as string });
  });

  it('says that the browser has no WebRTC', () => {
    vi.stubGlobal('isSecureContext', true);
    expect(obstacle()?.id).toBe('unsupported');
  });
});

it.each<[string, Device, string, string | undefined]>([
  ['NotAllowedError', 'camera', '', 'denied'], ['NotAllowedError', 'screen', '', undefined], ['NotAllowedError', 'screen', 'Permission denied by system', 'denied'],
  ['NotFoundError', 'microphone', '', 'missing'], ['NotReadableError', 'camera', '', 'busy'], ['OverconstrainedError', 'camera', '', 'missing'], ['Odd', 'camera', 'Odd words', 'failed'],
])('takes %s of a %s (%s) for %s', (name, device, message, id) => {
  expect(captureTrouble(new DOMException(message, name), device)?.id).toBe(id);
});

describe('of publishing', () => {
  it('says what the server said, and its own words where it said nothing', () => {
    expect(publishTrouble(new WhipError('conflict', 'This channel is already live from somewhere else.', 409))).toMatchObject({ id: 'conflict', text: 'This channel is already live from somewhere else.' });
    expect(publishTrouble(new WhipError('unavailable', '', 503)).text).toContain('WebRTC is turned off');
  });

  it.each([[new WhipError('blocked'), 'unreachable', 'firewall'], [new WhipError('codec'), 'codec', 'H.264'], [new ApiError('UNAUTHORIZED', 'Sign in first.', 401), 'refused', 'Sign in first.'], [new ApiError('NETWORK', 'x', 0), 'unreachable', 'connection'], [new TypeError('odd'), 'failed', 'odd']])(
    'explains %s', (error, id, words) => {
      const trouble = publishTrouble(error);
      expect([trouble.id, trouble.text]).toEqual([id, expect.stringContaining(words)]);
    });
});

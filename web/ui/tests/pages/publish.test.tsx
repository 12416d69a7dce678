import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamKeyInfo } from '../../src/api/types';
import { expectAccessible } from '../axe';
import { health as goodHealth, publisher } from '../dashboard/health';
import { ok, refused, serve } from '../fetch';
import { FakeHls } from '../player/fake-hls';
import { FakeSocket } from '../socket/fake-socket';
import { channel, me, open } from './app';

vi.mock('../../src/player/hls', async () => ({ Hls: (await import('../player/fake-hls')).FakeHls }));

const publish = { rtmp: 'rtmp://tv.example/live', rtmps: null, srt: 'srt://tv.example:8890', whip: 'http://tv.example/whip/demo' };
const info = (change: Partial<StreamKeyInfo> = {}): StreamKeyInfo => ({ lastFour: 'hw5e', createdAt: '2026-11-20T10:00:00Z', publish, srtPassphrase: null, ...change });
const routes = { 'GET me': ok(me()), 'GET channels/demo': ok(channel()), 'GET channels/c1/ingest': ok({ session: null, test: null, lastEnd: null }), 'GET channels/c1/stream-key': ok(info()) };
const panel = async () => within(await screen.findByTestId('publish'));
const value = (label: string) => (screen.getByLabelText(label) as HTMLInputElement).value;

beforeEach(() => {
  FakeHls.install();
  FakeSocket.install();
});

describe('ways to publish', () => {
  it('are chosen like radio buttons, each with its fields and its steps in OBS', async () => {
    serve(routes);
    open('/dashboard');
    const box = await panel();
    expect(value('Server')).toBe('rtmp://tv.example/live');
    fireEvent.click(box.getByRole('radio', { name: 'SRT' }));
    expect(value('Server')).toBe('srt://tv.example:8890?streamid=KEY');
    expect([value('Host'), value('Port'), value('Stream id')]).toEqual(['tv.example', '8890', 'KEY']);
    expect(screen.getByText(/Leave/, { selector: 'li' }).textContent).toContain('Stream Key empty');
    await expectAccessible(screen.getByTestId('publish'));
    fireEvent.click(box.getByRole('radio', { name: 'WHIP' }));
    expect(value('Server')).toBe('http://tv.example/whip/demo');
    expect(screen.getByText(/Bearer Token/)).toBeTruthy();
    expect(box.getByRole('link', { name: 'Go live from this browser' }).getAttribute('href')).toBe('/dashboard/go-live?channel=demo');
  });

  it('are not offered where their listeners are off', async () => {
    serve({ ...routes, 'GET channels/c1/stream-key': ok(info({ publish: { ...publish, srt: null, whip: null } })) });
    open('/dashboard');
    const box = await panel();
    expect(box.queryByRole('radio')).toBeNull();
    expect(value('Server')).toBe('rtmp://tv.example/live');
    expect(box.queryByRole('link')).toBeNull();
  });

  it('say so where all are off', async () => {
    serve({ ...routes, 'GET channels/c1/stream-key': ok(info({ publish: { rtmp: null, rtmps: null, srt: null, whip: null } })) });
    open('/dashboard');
    expect(await screen.findByText(/takes no streams/)).toBeTruthy();
  });

  it('hold the new key in SRT’s one address, hidden until asked', async () => {
    serve({ ...routes, 'GET channels/c1/stream-key': ok(info({ lastFour: null, createdAt: null })), 'POST channels/c1/stream-key': ok({ streamKey: 'live_secret' }) });
    open('/dashboard');
    const box = await panel();
    fireEvent.click(box.getByRole('radio', { name: 'SRT' }));
    fireEvent.click(box.getByRole('button', { name: 'Make a key' }));
    await screen.findByLabelText('Stream key');
    expect(value('Server')).toMatch(/^•+$/);
    fireEvent.click(box.getByRole('button', { name: 'Show server' }));
    expect(value('Server')).toBe('srt://tv.example:8890?streamid=live_secret');
  });
});

describe('the passphrase', () => {
  it('is made, saved and part of the address from then on', async () => {
    let kept: string | null = null;
    const calls = serve({
      ...routes,
      'GET channels/c1/stream-key': () => ok(info({ srtPassphrase: kept })),
      'PATCH channels/c1': () => ((kept = (calls.at(-1)!.body as { srtPassphrase: string }).srtPassphrase), ok(channel())),
    });
    open('/dashboard');
    fireEvent.click((await panel()).getByRole('radio', { name: 'SRT' }));
    fireEvent.click(screen.getByRole('button', { name: 'Set a passphrase' }));
    const made = value('SRT passphrase');
    expect(made).toHaveLength(24);
    fireEvent.click(screen.getByRole('button', { name: 'Generate' }));
    expect(value('SRT passphrase')).not.toBe(made);
    fireEvent.change(screen.getByLabelText('SRT passphrase'), { target: { value: 'short' } });
    fireEvent.click((await panel()).getByRole('button', { name: 'Save' }));
    expect(screen.getByRole('alert').textContent).toBe('Use 10 to 79 characters.');
    await expectAccessible(screen.getByTestId('publish'));
    fireEvent.change(screen.getByLabelText('SRT passphrase'), { target: { value: 'long-enough-now' } });
    fireEvent.click((await panel()).getByRole('button', { name: 'Save' }));
    expect(await screen.findByTestId('passphrase')).toBeTruthy();
    expect(value('SRT passphrase')).toMatch(/^•+$/);
    fireEvent.click(screen.getByRole('button', { name: 'Show server' }));
    expect(value('Server')).toBe('srt://tv.example:8890?streamid=KEY&passphrase=long-enough-now');
  });

  it('is removed with null', async () => {
    let kept: string | null = 'long-enough-now';
    const calls = serve({ ...routes, 'GET channels/c1/stream-key': () => ok(info({ srtPassphrase: kept })), 'PATCH channels/c1': () => ((kept = null), ok(channel())) });
    open('/dashboard');
    fireEvent.click((await panel()).getByRole('radio', { name: 'SRT' }));
    fireEvent.click(screen.getByRole('button', { name: 'Remove' }));
    expect(await screen.findByText(/are not encrypted/)).toBeTruthy();
    expect(calls.find(({ method }) => method === 'PATCH')!.body).toEqual({ srtPassphrase: null });
  });

  it('shows what the server says against it', async () => {
    serve({ ...routes, 'PATCH channels/c1': refused(400, 'INVALID_REQUEST', 'No.', { fields: { srtPassphrase: 'It must be longer.' } }) });
    open('/dashboard');
    fireEvent.click((await panel()).getByRole('radio', { name: 'SRT' }));
    fireEvent.click(screen.getByRole('button', { name: 'Set a passphrase' }));
    fireEvent.click((await panel()).getByRole('button', { name: 'Save' }));
    expect(await screen.findByText('It must be longer.')).toBeTruthy();
  });
});

it('shows how the way to an SRT publisher is', async () => {
  const network = { rttMs: 42.4, receivedPackets: 99_000, lostPackets: 1000, recoveredPackets: 996, droppedPackets: 4, latencyMs: 200, bitrateBps: 6e6, isEncrypted: true };
  const session = { ...goodHealth, protocol: 'srt' as const, publishers: [publisher({ protocol: 'srt', network })] };
  serve({ ...routes, 'GET channels/c1/ingest': ok({ session, test: null, lastEnd: null }) });
  open('/dashboard');
  expect((await screen.findByTestId('network')).textContent).toBe('Round trip 42 ms, latency 200 ms, 1,000 lost (1.0 %), 996 recovered, 4 given up, encrypted');
  await waitFor(() => expect(screen.getByRole('img', { name: /^Round trip: now 42 ms/ })).toBeTruthy());
  expect(screen.getByRole('img', { name: /^Lost on the way/ })).toBeTruthy();
  await expectAccessible(screen.getByTestId('health'));
});

import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobState, Pull, Restream } from '../../src/api/types';
import { changesOf } from '../../src/dashboard/RestreamDialog';
import { expectAccessible } from '../axe';
import { ok, refused, serve } from '../fetch';
import { FakeSocket } from '../socket/fake-socket';
import { me, open } from './app';

const page = { page: { cursor: null } };
const job = (change: Partial<JobState> = {}): JobState => ({ state: 'idle', reason: '', since: null, retryAt: null, bitrateBps: 0, sentBytes: 0, failures: 0, ...change });
const restream = (change: Partial<Restream> = {}): Restream => ({
  id: 'r1', channelId: 'c1', name: 'Twitch', url: 'rtmps://live.twitch.tv/app', hasKey: true, isEnabled: true, createdAt: '2026-11-20T10:00:00Z', state: job(), ...change,
});
const pull = (change: Partial<Pull> = {}): Pull => ({ channelId: 'c1', url: 'rtsp://camera.example/stream', isEnabled: true, createdAt: '2026-11-20T10:00:00Z', state: job({ state: 'connecting' }), ...change });

beforeEach(() => FakeSocket.install());

describe('restreams', () => {
  const routes = { 'GET me': ok(me()) };

  it('show where it goes, how it is and why not', async () => {
    serve({
      ...routes,
      'GET channels/c1/restreams': ok([
        restream({ state: job({ state: 'running', since: new Date(Date.now() - 3_600_000).toISOString(), bitrateBps: 4_200_000, sentBytes: 1_900_000_000 }) }),
        restream({ id: 'r2', name: 'YouTube', hasKey: false, state: job({ state: 'waiting', reason: 'The server closed the connection: is the key right?', retryAt: new Date(Date.now() + 12_500).toISOString(), failures: 3 }) }),
        restream({ id: 'r3', name: 'Club', isEnabled: false }),
        restream({ id: 'r4', name: 'Home' }),
      ], page),
    });
    open('/dashboard/relay');
    const rows = await screen.findAllByTestId('restream');
    expect(rows.map((row) => within(row).getByTestId('job').textContent)).toEqual([
      'Running4.2 Mb/s, 1.90 GB sent, since 1 hour ago',
      expect.stringMatching(/^InterruptedThe server closed the connection: is the key right\?Next try in 1[23] s, after 3 failures$/),
      'Off', 'Begins when the channel is live',
    ]);
    expect(rows[1]!.textContent).toContain('without a key');
    expect(screen.queryByTestId('pull')).toBeNull();
    await expectAccessible();
  });

  it('are added from a well-known service, with a key that is never shown', async () => {
    let made: Restream[] = [];
    const calls = serve({
      ...routes,
      'GET channels/c1/restreams': () => ok(made, page),
      'POST channels/c1/restreams': () => ((made = [restream()]), ok(made[0], {}, 201)),
    });
    open('/dashboard/relay');
    fireEvent.click(await screen.findByRole('button', { name: 'Add a target' }));
    const dialog = within(screen.getByRole('dialog', { name: 'Add a target' }));
    fireEvent.change(dialog.getByLabelText('Service'), { target: { value: 'Twitch' } });
    expect((dialog.getByLabelText('Address') as HTMLInputElement).value).toBe('rtmps://live.twitch.tv/app');
    const key = dialog.getByLabelText('Stream key') as HTMLInputElement;
    expect(key.type).toBe('password');
    fireEvent.change(key, { target: { value: ' live_abc ' } });
    await expectAccessible();
    fireEvent.click(dialog.getByRole('button', { name: 'Add' }));
    expect(await screen.findByTestId('restream')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'POST')!.body).toEqual({ name: 'Twitch', url: 'rtmps://live.twitch.tv/app', key: 'live_abc', isEnabled: true });
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('say beside the field what the server does not like', async () => {
    serve({ ...routes, 'GET channels/c1/restreams': ok([], page), 'POST channels/c1/restreams': refused(400, 'INVALID_REQUEST', 'No.', { fields: { url: 'This address is in a private network.' } }) });
    open('/dashboard/relay');
    fireEvent.click(await screen.findByRole('button', { name: 'Add a target' }));
    fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'Home' } });
    fireEvent.change(screen.getByLabelText('Address'), { target: { value: 'srt://10.0.0.1:9000' } });
    expect(screen.getByLabelText('Stream id')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Add' }));
    expect((await screen.findByText('This address is in a private network.')).getAttribute('role')).toBe('alert');
  });

  it('are turned off and removed', async () => {
    let kept = [restream()];
    const calls = serve({
      ...routes,
      'GET channels/c1/restreams': () => ok(kept, page),
      'PATCH restreams/r1': () => ((kept = [restream({ isEnabled: false })]), ok(kept[0])),
      'DELETE restreams/r1': () => ((kept = []), ok({})),
    });
    open('/dashboard/relay');
    fireEvent.click(await screen.findByRole('checkbox', { name: 'Send to Twitch' }));
    await waitFor(() => expect(screen.getByTestId('job').textContent).toBe('Off'));
    fireEvent.click(screen.getByRole('button', { name: 'Remove Twitch' }));
    fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Remove' }));
    await waitFor(() => expect(screen.queryByTestId('restream')).toBeNull());
    expect(calls.filter(({ method }) => method !== 'GET').map(({ method, body }) => [method, body])).toEqual([['PATCH', { isEnabled: false }], ['DELETE', null]]);
  });

  it('are five at most', async () => {
    serve({ ...routes, 'GET channels/c1/restreams': ok(['1', '2', '3', '4', '5'].map((id) => restream({ id, name: `To ${id}` })), page) });
    open('/dashboard/relay');
    expect(await screen.findByText('5 targets, the most there may be')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Add a target' })).toBeNull();
  });

  it('send back what was changed alone: shown addresses lack their secrets', () => {
    expect(changesOf({ name: 'Twitch', url: 'rtmps://live.twitch.tv/app', key: '' }, restream())).toEqual({});
    expect(changesOf({ name: 'T', url: 'rtmp://x/y ', key: 'k' }, restream())).toEqual({ name: 'T', url: 'rtmp://x/y', key: 'k' });
  });
});

describe('a pull', () => {
  const routes = { 'GET me': ok(me({ mayPull: true })), 'GET channels/c1/restreams': ok([], page) };

  it('is set up by those who may', async () => {
    let now: Pull | null = null;
    const calls = serve({
      ...routes,
      'GET channels/c1/pull': () => ok({ pull: now, mayPull: true }),
      'PUT channels/c1/pull': () => ((now = pull()), ok({ pull: now, mayPull: true })),
    });
    open('/dashboard/relay');
    const panel = within(await screen.findByTestId('pull'));
    fireEvent.change(panel.getByLabelText('Address'), { target: { value: ' rtsp://ann:secret@camera.example/stream ' } });
    await expectAccessible();
    fireEvent.click(panel.getByRole('button', { name: 'Fetch this' }));
    await waitFor(() => expect(panel.getByTestId('job').textContent).toBe('Connecting …'));
    expect(panel.getByText('rtsp://camera.example/stream')).toBeTruthy();
    expect(calls.find(({ method }) => method === 'PUT')!.body).toEqual({ url: 'rtsp://ann:secret@camera.example/stream', isEnabled: true });
  });

  it('says why it does not run, and is turned off without its address being sent again', async () => {
    let now = pull({ state: job({ state: 'waiting', reason: 'The camera does not answer.', retryAt: new Date(Date.now() + 30_500).toISOString(), failures: 1 }) });
    const calls = serve({
      ...routes,
      'GET channels/c1/pull': () => ok({ pull: now, mayPull: true }),
      'PUT channels/c1/pull': () => ((now = pull({ isEnabled: false, state: job() })), ok({ pull: now, mayPull: true })),
    });
    open('/dashboard/relay');
    expect((await screen.findByTestId('job')).textContent).toMatch(/^InterruptedThe camera does not answer\.Next try in 3[01] s$/);
    fireEvent.click(screen.getByRole('checkbox', { name: 'On' }));
    await waitFor(() => expect(screen.getByTestId('job').textContent).toBe('Off'));
    expect(calls.find(({ method }) => method === 'PUT')!.body).toEqual({ isEnabled: false });
    await expectAccessible();
  });

  it('shows the server’s reason at the field', async () => {
    serve({ ...routes, 'GET channels/c1/pull': ok({ pull: null, mayPull: true }), 'PUT channels/c1/pull': refused(400, 'INVALID_REQUEST', 'No.', { fields: { url: 'This address is not allowed here.' } }) });
    open('/dashboard/relay');
    fireEvent.change(await screen.findByLabelText('Address'), { target: { value: 'http://169.254.169.254/' } });
    fireEvent.click(screen.getByRole('button', { name: 'Fetch this' }));
    expect(await screen.findByText('This address is not allowed here.')).toBeTruthy();
  });
});

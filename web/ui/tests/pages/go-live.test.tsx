import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { controls, standUp } from '../../src/broadcast/studio';
import { expectAccessible } from '../axe';
import { denied, FakeTrack, installMedia, machine } from '../broadcast/fake-media';
import { created, FakePeer } from '../broadcast/fake-peer';
import { ok, refused, serve, type Call } from '../fetch';
import { joinedAs } from '../socket/events';
import { FakeSocket } from '../socket/fake-socket';
import { channel, me, open } from './app';

const publish = { rtmp: null, rtmps: null, srt: null, whip: 'http://tv.example/whip/demo' };
const routes = {
  'GET me': ok(me()), 'GET channels/demo': ok(channel()), 'GET channels/c1/stream-key': ok({ lastFour: null, createdAt: null, publish, srtPassphrase: null }),
  'POST channels/c1/publish-ticket': ok({ ticket: 'ticket_1', expiresAt: '' }), 'POST /whip/demo': () => created(), 'DELETE /whip/session/n1.abc': () => new Response(null, { status: 200 }),
};
const phase = () => screen.getByTestId('air').dataset.phase;
const sent = (calls: Call[]) => calls.filter(({ path }) => path.startsWith('/whip')).map(({ method, path }) => `${method} ${path}`);

beforeEach(() => {
  installMedia();
  FakePeer.install();
  FakeSocket.install();
});

afterEach(() => {
  controls.stop();
  standUp();
});

async function turnOn() {
  fireEvent.click(await screen.findByTestId('turn-on'));
  await screen.findByRole('button', { name: 'Mute microphone' });
}

async function goLive() {
  await turnOn();
  fireEvent.click(screen.getByTestId('start'));
  await waitFor(() => expect(phase()).toBe('sending'));
}

describe('going live', () => {
  it('asks for the camera on a press, shows it to nobody, and sends on another', async () => {
    const calls = serve(routes);
    open('/dashboard/go-live');
    expect(((await screen.findByTestId('start')) as HTMLButtonElement).disabled).toBe(true);
    expect(machine.asked).toEqual([]);
    await expectAccessible();
    await turnOn();
    expect(screen.getByTestId('preview').dataset.shows).toBe('camera');
    expect(sent(calls)).toEqual([]);
    await expectAccessible();
    fireEvent.click(screen.getByTestId('start'));
    await waitFor(() => expect(phase()).toBe('sending'));
    expect(sent(calls)).toEqual(['POST /whip/demo']);
    expect(screen.getByTestId('sending')).toBeTruthy();
    await expectAccessible();
  });

  it('says that it is on air when viewers see it', async () => {
    serve(routes);
    open('/dashboard/go-live');
    await goLive();
    expect(screen.getByText('Sending; going on air …')).toBeTruthy();
    await waitFor(() => expect(FakeSocket.made).toHaveLength(1));
    act(() => {
      FakeSocket.last.open();
      FakeSocket.last.say(joinedAs({ isLive: true, sessionId: 's1', viewerCount: 3 }));
    });
    expect(await screen.findByText('On air')).toBeTruthy();
    expect(screen.getByText('3 viewers')).toBeTruthy();
  });

  it('mutes, turns the camera off and shares the screen without another offer', async () => {
    const calls = serve(routes);
    open('/dashboard/go-live');
    await goLive();
    fireEvent.click(screen.getByRole('button', { name: 'Mute microphone' }));
    expect(screen.getByRole('button', { name: 'Unmute microphone' })).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Turn camera off' }));
    await waitFor(() => expect(FakePeer.last.senders[0]!.track!.label).toBe('slate'));
    fireEvent.click(screen.getByRole('button', { name: 'Share screen' }));
    await waitFor(() => expect(FakePeer.last.senders[0]!.track!.label).toBe('screen'));
    fireEvent.change(screen.getByLabelText('Resolution'), { target: { value: '1080' } });
    await waitFor(() => expect(FakePeer.last.senders[0]!.parameters.encodings[0]!.maxBitrate).toBe(4_500_000));
    expect(sent(calls)).toEqual(['POST /whip/demo']);
    await expectAccessible();
  });

  it('ends after a question, and keeps the camera for the next time', async () => {
    const calls = serve(routes);
    open('/dashboard/go-live');
    await goLive();
    fireEvent.click(screen.getByTestId('stop'));
    expect(phase()).toBe('sending');
    fireEvent.click(within(screen.getByRole('dialog', { name: 'End the stream?' })).getByRole('button', { name: 'End stream' }));
    await waitFor(() => expect(phase()).toBe('off'));
    expect(sent(calls)).toEqual(['POST /whip/demo', 'DELETE /whip/session/n1.abc']);
    expect(screen.getByTestId('preview').dataset.shows).toBe('camera');
  });

  it('goes on while other pages are shown, which say so; leaving the site asks first', async () => {
    serve({ ...routes, 'GET channels/c1/restreams': ok([], { page: { cursor: null } }) });
    const { router } = open('/dashboard/go-live');
    await goLive();
    expect(screen.queryByTestId('on-air-bar')).toBeNull();
    fireEvent.click(screen.getByRole('link', { name: 'Relay' }));
    expect((await screen.findByTestId('on-air-bar')).textContent).toContain('You are live from this tab');
    expect(FakePeer.last.connectionState).toBe('connected');
    const leaving = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(leaving);
    expect(leaving.defaultPrevented).toBe(true);
    fireEvent.click(screen.getByRole('link', { name: 'Controls' }));
    await waitFor(() => expect(router.state.location.pathname).toBe('/dashboard/go-live'));
    expect(phase()).toBe('sending');
  });

  it('lets go of the camera when the page is left without being live', async () => {
    serve({ ...routes, 'GET channels/c1/restreams': ok([], { page: { cursor: null } }) });
    open('/dashboard/go-live');
    await turnOn();
    fireEvent.click(screen.getByRole('link', { name: 'Relay' }));
    await screen.findByTestId('restreams');
    expect(FakeTrack.made.filter(({ label, readyState }) => label !== 'mix' && readyState === 'live')).toEqual([]);
    expect(screen.queryByTestId('on-air-bar')).toBeNull();
    const leaving = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(leaving);
    expect(leaving.defaultPrevented).toBe(false);
  });
});

describe('what stands in the way', () => {
  it('is told in words: no permission', async () => {
    serve(routes);
    machine.open = () => denied('NotAllowedError');
    open('/dashboard/go-live');
    fireEvent.click(await screen.findByTestId('turn-on'));
    expect((await screen.findByRole('alert')).textContent).toContain('The camera is not allowed. Press the sign beside the address');
    await expectAccessible();
  });

  it('is told before anything is asked for: an address without encryption', async () => {
    vi.stubGlobal('isSecureContext', false);
    serve(routes);
    open('/dashboard/go-live');
    expect((await screen.findByTestId('obstacle')).dataset.id).toBe('insecure');
    expect(screen.getByRole('link', { name: 'Use an encoder' }).getAttribute('href')).toBe('/dashboard?channel=demo');
    expect(screen.queryByTestId('turn-on')).toBeNull();
    await expectAccessible();
  });

  it('is told before anything is asked for: a server without WebRTC, until it is back', async () => {
    let whip: string | null = null;
    serve({ ...routes, 'GET channels/c1/stream-key': () => ok({ lastFour: null, createdAt: null, publish: { ...publish, whip }, srtPassphrase: null }) });
    open('/dashboard/go-live');
    expect((await screen.findByTestId('obstacle')).dataset.id).toBe('unavailable');
    whip = publish.whip;
    fireEvent.click(screen.getByRole('button', { name: 'Look again' }));
    expect(await screen.findByTestId('turn-on')).toBeTruthy();
  });

  it('may be somebody else, of whom one takes over after seeing it', async () => {
    let isTaken = true;
    const calls = serve({ ...routes, 'POST /whip/demo': () => (isTaken ? refused(409, 'CONFLICT', 'This channel is already live from somewhere else.') : created()) });
    open('/dashboard/go-live');
    await turnOn();
    fireEvent.click(screen.getByTestId('start'));
    expect((await screen.findByTestId('trouble')).textContent).toContain('This channel is already live from somewhere else.');
    isTaken = false;
    fireEvent.click(screen.getByTestId('take-over'));
    await waitFor(() => expect(phase()).toBe('sending'));
    expect(sent(calls)).toEqual(['POST /whip/demo', 'POST /whip/demo']);
    expect(screen.queryByTestId('trouble')).toBeNull();
  });

  it('may be a connection that is lost: it says so and comes back', async () => {
    const calls = serve(routes);
    open('/dashboard/go-live');
    await goLive();
    act(() => FakePeer.last.turn('failed'));
    expect(await screen.findByText('The connection was lost')).toBeTruthy();
    expect(phase()).toBe('reconnecting');
    await waitFor(() => expect(phase()).toBe('sending'));
    expect(sent(calls)).toEqual(['POST /whip/demo', 'POST /whip/demo']);
  });
});

it('ends the stream for its viewers too when it is given up while it is lost', async () => {
  let isAway = false;
  const calls = serve({ ...routes, 'POST /whip/demo': () => (isAway ? refused(503, 'UNAVAILABLE', 'Away.') : created()), 'POST channels/c1/go-offline': ok({ channelId: 'c1', isLive: false }) });
  open('/dashboard/go-live');
  await goLive();
  isAway = true;
  act(() => FakePeer.last.turn('failed'));
  await waitFor(() => expect(phase()).toBe('reconnecting'));
  fireEvent.click(screen.getByTestId('stop'));
  fireEvent.click(within(screen.getByRole('dialog', { name: 'End the stream?' })).getByRole('button', { name: 'End stream' }));
  await waitFor(() => expect(phase()).toBe('off'));
  expect(calls.some(({ path }) => path === 'channels/c1/go-offline')).toBe(true);
});

it('asks to sign in first', async () => {
  serve({ 'GET me': refused(401, 'UNAUTHORIZED', 'Sign in first.') });
  const { router } = open('/dashboard/go-live');
  await waitFor(() => expect(router.state.location).toMatchObject({ pathname: '/login', search: { next: '/dashboard/go-live' } }));
});

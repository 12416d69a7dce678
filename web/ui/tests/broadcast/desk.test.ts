import { beforeEach, describe, expect, it } from 'vitest';
import { Desk, EMPTY_DESK, type DeskState } from '../../src/broadcast/desk';
import { USUAL } from '../../src/broadcast/quality';
import { denied, FakeAudio, FakeStream, FakeTrack, installMedia, machine } from './fake-media';

let state: DeskState;
let desk: Desk;
const named = (label: string) => FakeTrack.made.filter((track) => track.label === label);
const shown = () => (state.picture as unknown as FakeTrack | null)?.label;

beforeEach(() => {
  installMedia();
  state = EMPTY_DESK;
  desk = new Desk('demo', USUAL, (next) => (state = next));
});

describe('camera and microphone', () => {
  it('come with one question', async () => {
    await desk.turnOn();
    expect(machine.asked).toHaveLength(1);
    expect(machine.asked[0]).toMatchObject({ video: { width: { ideal: 1280 }, height: { ideal: 720 } }, audio: { echoCancellation: true } });
    expect(state).toMatchObject({ shows: 'camera', hasMicrophone: true, cameraId: 'cam1', microphoneId: 'mic1', opening: null, trouble: null });
    expect(named('camera')[0]!.contentHint).toBe('motion');
  });

  it('are one without the other where one is missing, and it is said which', async () => {
    const { open } = machine;
    machine.open = (constraints) => (constraints.video ? denied('NotFoundError') : open(constraints));
    await desk.turnOn();
    expect(state).toMatchObject({ shows: 'slate', hasMicrophone: true, trouble: { id: 'missing', title: 'No camera was found' } });
    expect(shown()).toBe('slate');
  });

  it('are nothing where they are refused, and the page says so', async () => {
    machine.open = () => denied('NotAllowedError');
    await desk.turnOn();
    expect(state).toMatchObject({ picture: null, hasMicrophone: false, opening: null, trouble: { id: 'denied' } });
  });

  it('are opened once, however often it is pressed', async () => {
    await Promise.all([desk.turnOn(), desk.turnOn(), desk.showCamera()]);
    expect(machine.asked).toHaveLength(1);
  });
});

describe('a camera that is off', () => {
  it('is let go of, and a slate takes its place until it is back', async () => {
    await desk.turnOn();
    desk.hideCamera();
    expect(named('camera')[0]!.readyState).toBe('ended');
    expect([state.shows, shown()]).toEqual(['slate', 'slate']);
    await desk.showCamera();
    expect([state.shows, shown()]).toEqual(['camera', 'camera']);
    expect(named('slate')[0]!.readyState).toBe('ended');
  });

  it('is what becomes of one that is unplugged; the rest goes on', async () => {
    await desk.turnOn();
    named('camera')[0]!.lose();
    expect(state).toMatchObject({ shows: 'slate', hasMicrophone: true, trouble: { id: 'gone', title: 'Camera gone' } });
  });

  it('is replaced by another, by the browser’s own choice when that is gone', async () => {
    await desk.turnOn();
    await desk.showCamera('cam2');
    expect(machine.asked[1]).toMatchObject({ video: { deviceId: { exact: 'cam2' } }, audio: false });
    const { open } = machine;
    machine.open = (constraints) => ((constraints.video as MediaTrackConstraints).deviceId ? denied('OverconstrainedError') : open(constraints));
    await desk.showCamera('cam9');
    expect(state).toMatchObject({ shows: 'camera', trouble: null });
  });
});

describe('a screen', () => {
  it('takes the camera’s place, with its sound, and gives it back', async () => {
    await desk.turnOn();
    await desk.showScreen();
    expect(state).toMatchObject({ shows: 'screen', hasScreenSound: true });
    expect(shown()).toBe('screen');
    expect(named('camera')[0]!.readyState).toBe('ended');
    expect(FakeAudio.sources.map(({ label }) => label)).toEqual(['microphone', 'screen sound']);
    await desk.hideScreen();
    expect(state).toMatchObject({ shows: 'camera', hasScreenSound: false });
  });

  it('is over when the browser’s own bar says so', async () => {
    await desk.turnOn();
    await desk.showScreen();
    named('screen')[0]!.lose();
    await new Promise((resolve) => setTimeout(resolve));
    expect(state.shows).toBe('camera');
    expect(named('camera')).toHaveLength(2);
  });

  it('leaves a slate behind where there was no camera', async () => {
    await desk.showScreen();
    await desk.hideScreen();
    expect([state.shows, shown()]).toEqual(['slate', 'slate']);
    expect(named('camera')).toHaveLength(0);
  });

  it('is no trouble when nothing was chosen, and the camera stays', async () => {
    await desk.turnOn();
    machine.share = () => denied('NotAllowedError');
    await desk.showScreen();
    expect(state).toMatchObject({ shows: 'camera', trouble: null });
  });

  it('is sharp rather than smooth at few pictures per second', async () => {
    await desk.setQuality({ ...USUAL, frameRate: 15 });
    await desk.showScreen();
    expect(named('screen')[0]!.contentHint).toBe('detail');
    await desk.setQuality(USUAL);
    expect(named('screen')[0]!.contentHint).toBe('motion');
  });
});

describe('sound', () => {
  it('is one track for good, whatever is plugged into it', async () => {
    const before = desk.sound;
    await desk.turnOn();
    await desk.openMicrophone('mic2');
    await desk.showScreen();
    expect(desk.sound).toBe(before);
  });

  it('is muted at the fader: the microphone still shows its level', async () => {
    await desk.turnOn();
    desk.mute(true);
    expect(FakeAudio.faders.at(-1)!.gain.value).toBe(0);
    expect(desk.level('microphone')).toBeCloseTo(-6.02, 1);
    expect(state.isMuted).toBe(true);
  });

  it('stays muted when another microphone is chosen', async () => {
    await desk.turnOn();
    desk.mute(true);
    await desk.openMicrophone('mic2');
    expect(FakeAudio.faders.at(-1)!.gain.value).toBe(0);
  });

  it('is left as it is for music', async () => {
    await desk.turnOn();
    await desk.clean(false);
    expect(machine.asked[1]).toMatchObject({ video: false, audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: { ideal: 2 } } });
    expect(named('microphone').map(({ readyState }) => readyState)).toEqual(['ended', 'live']);
  });
});

it('lets go of everything at the end, also of what comes late', async () => {
  let give: (stream: FakeStream) => void = () => undefined;
  await desk.showScreen();
  machine.open = () => new Promise((resolve) => (give = resolve));
  const opening = desk.turnOn();
  await desk.close();
  const late = new FakeTrack('video', 'late');
  give(new FakeStream([late]));
  await opening;
  expect(FakeTrack.made.filter(({ label, readyState }) => label !== 'mix' && readyState === 'live')).toEqual([]);
});

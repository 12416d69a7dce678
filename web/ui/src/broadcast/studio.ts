/**
 * The one desk and the one broadcast of this tab. They live outside of React and outside of the page: a stream goes on
 * while its streamer looks at its health, its chat or its videos, and only leaving the site ends it.
 */

import { create } from 'zustand';
import { api } from '../api/client';
import type { OwnedChannel } from '../api/types';
import { useOnAir } from '../stores/on-air';
import { Broadcaster, OFF, type AirState } from './broadcaster';
import { Desk, EMPTY_DESK, type DeskState } from './desk';
import type { Input } from './mixer';
import { SILENCE_DB } from './mixer';
import { recallQuality, rememberQuality, type Quality } from './quality';
import { MAX_LOOKS, readFigures, type Figures } from './stats';
import { publishTrouble } from './trouble';
import { WakeLock } from './wake-lock';

const LOOK_EVERY_MS = 1000;

interface StudioStore {
  /** Whose stream the desk is for. */
  channel: OwnedChannel | null;
  desk: DeskState;
  air: AirState;
  quality: Quality;
  looks: Figures[];
  /** When this tab last stopped sending: for a moment the channel may still be called live. */
  endedMs: number | null;
}

export const useStudio = create<StudioStore>(() => ({ channel: null, desk: EMPTY_DESK, air: OFF, quality: recallQuality(), looks: [], endedMs: null }));

const { getState: now, setState: set } = useStudio;
const awake = new WakeLock();
let desk: Desk | null = null;
let broadcaster: Broadcaster | null = null;
let looking: ReturnType<typeof setInterval> | undefined;

export const isOnAir = ({ air }: Pick<StudioStore, 'air'>): boolean => air.phase !== 'off';

/** Open the desk for a channel, or keep the one that is there. A broadcast keeps its channel. */
export function sitDown(channel: OwnedChannel): void {
  if (now().channel?.id === channel.id || isOnAir(now())) return;
  standUp();
  set({ channel });
}

/** Let go of cameras and microphones, unless they are on the air. */
export function standUp(): void {
  if (isOnAir(now())) return;
  void desk?.close();
  desk = null;
  broadcaster = null;
  set({ channel: null, desk: EMPTY_DESK, air: OFF, looks: [], endedMs: null });
}

function theDesk(): Desk {
  desk ??= new Desk(now().channel?.name ?? '', now().quality, (state) => {
    const isOther = state.picture !== now().desk.picture;
    set({ desk: state });
    if (isOther) void broadcaster?.refresh().catch((error: unknown) => set({ air: { ...now().air, trouble: publishTrouble(error) } }));
  });
  return desk;
}

function theBroadcaster({ id, name }: OwnedChannel): Broadcaster {
  broadcaster ??= new Broadcaster({
    url: `/whip/${encodeURIComponent(name)}`,
    ticket: async () => (await api.publishTicket(id)).ticket,
    picture: () => theDesk().picture,
    sound: () => theDesk().sound,
    quality: () => now().quality,
    onState: follow,
  });
  return broadcaster;
}

export const controls = {
  turnOn: (cameraId = '', microphoneId = '') => theDesk().turnOn(cameraId, microphoneId),
  showCamera: (id?: string) => theDesk().showCamera(id),
  hideCamera: () => theDesk().hideCamera(),
  showScreen: () => theDesk().showScreen(),
  hideScreen: () => theDesk().hideScreen(),
  openMicrophone: (id?: string) => theDesk().openMicrophone(id),
  mute: (isMuted: boolean) => theDesk().mute(isMuted),
  clean: (isCleaned: boolean) => theDesk().clean(isCleaned),
  level: (input: Input) => desk?.level(input) ?? SILENCE_DB,
  forgive: () => {
    desk?.forgive();
    if (!isOnAir(now())) set({ air: OFF });
  },
  setQuality: (quality: Quality) => {
    rememberQuality(quality);
    set({ quality });
    void desk?.setQuality(quality);
    void broadcaster?.setQuality(quality).catch(() => undefined); // the connection ended this moment: the next one takes it
  },
  goLive: (isTakeover = false) => {
    const { channel } = now();
    if (!channel) return;
    void theDesk().wake();
    theBroadcaster(channel).start({ isTakeover });
  },
  stop,
};

function stop(): void {
  const { air, channel } = now();
  broadcaster?.stop();
  // While it is lost there is no connection to say goodbye on. In a conflict somebody else may be on the air by now.
  if (channel && air.phase === 'reconnecting' && air.trouble?.id !== 'conflict') void api.goOffline(channel.id).catch(() => undefined); // then it ends by itself, later
}

/** What the rest of the tab has to know and do while it sends. */
function follow(air: AirState): void {
  const before = now().air;
  set({ air });
  const isOn = air.phase !== 'off';
  useOnAir.setState({ channel: air.sinceMs !== null ? (now().channel?.name ?? null) : null, isReconnecting: air.phase === 'reconnecting' });
  if (isOn === (before.phase !== 'off')) return;
  awake.hold(isOn);
  clearInterval(looking);
  if (isOn) {
    set({ looks: [] });
    looking = setInterval(() => void look(), LOOK_EVERY_MS);
    window.addEventListener('beforeunload', ask);
    window.addEventListener('pagehide', controls.stop);
  } else {
    window.removeEventListener('beforeunload', ask);
    window.removeEventListener('pagehide', controls.stop);
    set({ endedMs: before.sinceMs === null ? null : Date.now() });
  }
}

async function look(): Promise<void> {
  const report = await broadcaster?.stats()?.catch(() => null);
  if (!report) return;
  const { looks } = now();
  set({ looks: [...looks, readFigures(report, looks.at(-1) ?? null)].slice(-MAX_LOOKS) });
}

/** Browsers ask in their own words whether to leave. */
function ask(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

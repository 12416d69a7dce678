import { useCallback, useEffect, useReducer, useRef, useState, type RefObject } from 'react';
import { useSound } from '../stores/sound';
import { PlayerEngine, type Stats } from './engine';
import { loadHls } from './loader';
import { useQuality, type Quality } from './quality';
import { nextState, START, type PlayerState } from './state';

const STATS_EVERY_MS = 500;
/** A stream that is over and whose player has had nothing to show for this long has been seen to its end. */
const PLAYED_OUT_MS = 1200;

export interface Source {
  url: string;
  /** A new number is a new start, even of the same address. */
  take: number;
  /** The stream is over; what is left of it still plays. */
  isEnding?: boolean;
  /** The publisher is gone for the moment; the stream goes on, perhaps with nothing new. */
  isInterrupted?: boolean;
  onPlayable?: () => void;
  onMissing?: () => void;
  /** While it is ending: the last picture has been shown. */
  onPlayedOut?: () => void;
}

export interface PlayerHandle {
  video: RefObject<HTMLVideoElement | null>;
  state: PlayerState;
  stats: Stats | null;
  /** From mounting the player to the first picture. */
  firstFrameMs: number | null;
  isMuted: boolean;
  qualities: Quality[];
  play: () => void;
  pause: () => void;
  toggle: () => void;
  goLive: () => void;
  seekBy: (seconds: number) => void;
  retry: () => void;
  unmute: () => void;
  toggleMute: () => void;
  setVolume: (volume: number) => void;
}

/** One engine for as long as the source stays the same; everything is taken down with it. */
export function usePlayer({ url, take, isEnding = false, isInterrupted = false, ...callbacks }: Source, isPreview: boolean): PlayerHandle {
  const video = useRef<HTMLVideoElement>(null);
  const engine = useRef<PlayerEngine | null>(null);
  const latest = useRef(callbacks);
  latest.current = callbacks;
  const [state, send] = useReducer(nextState, START);
  const [stats, setStats] = useState<Stats | null>(null);
  const [firstFrameMs, setFirstFrameMs] = useState<number | null>(null);
  const [qualities, setQualities] = useState<Quality[]>([]);
  const choice = useQuality((quality) => (isPreview ? 'auto' : quality.choice));
  const sound = useSound();
  const isMuted = isPreview || sound.muted || state.isMutedByBrowser;

  // Before the engine's effect: the first play() must already have the right sound.
  useEffect(() => {
    if (!video.current) return;
    video.current.volume = sound.volume;
    video.current.muted = isMuted;
  }, [sound.volume, isMuted]);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const mountedAt = performance.now();
    const current = new PlayerEngine({
      video: element,
      url,
      loadHls,
      onEvent: (event) => {
        send(event);
        if (event.type === 'playing') setFirstFrameMs((known) => known ?? Math.round(performance.now() - mountedAt));
      },
      onPlayable: () => latest.current.onPlayable?.(),
      onMissing: () => latest.current.onMissing?.(),
      onQualities: setQualities,
      isSmall: isPreview,
    });
    engine.current = current;
    const timer = setInterval(() => setStats(current.stats()), STATS_EVERY_MS);
    return () => {
      clearInterval(timer);
      current.destroy();
      engine.current = null;
    };
  }, [url, take, isPreview]);

  useEffect(() => engine.current?.setQuality(choice), [url, take, choice]);
  useEffect(() => engine.current?.setInterrupted(isInterrupted), [url, take, isInterrupted]);

  const hasPicture = state.phase === 'playing' || state.phase === 'paused';
  const hasEnded = state.phase === 'ended';
  useEffect(() => {
    if (!isEnding || hasPicture) return;
    const timer = setTimeout(() => latest.current.onPlayedOut?.(), hasEnded ? 0 : PLAYED_OUT_MS);
    return () => clearTimeout(timer);
  }, [isEnding, hasPicture, hasEnded]);

  const unmute = useCallback(() => {
    send({ type: 'sound-on' });
    useSound.getState().setMuted(false);
  }, []);

  return {
    video,
    state,
    stats,
    firstFrameMs,
    isMuted,
    qualities,
    unmute,
    play: () => engine.current?.play(),
    pause: () => engine.current?.pause(),
    toggle: () => (video.current?.paused ? engine.current?.play() : engine.current?.pause()),
    goLive: () => engine.current?.goLive(),
    seekBy: (seconds) => engine.current?.seekBy(seconds),
    retry: () => engine.current?.retry(),
    toggleMute: () => (isMuted ? unmute() : sound.setMuted(true)),
    setVolume: (volume) => {
      send({ type: 'sound-on' });
      sound.setVolume(volume);
    },
  };
}

import { useCallback, useEffect, useReducer, useRef, useState, type RefObject } from 'react';
import { useSound } from '../stores/sound';
import type { Rest } from './ending';
import { PlayerEngine } from './engine';
import { loadHls, loadWhep } from './loader';
import type { Loop } from './loop';
import { useQuality, type Quality } from './quality';
import { nextState, START, type PlayerState } from './state';
import type { Stats } from './stats';
import { sameness } from './token';
import { useLowest, type Lowest } from './useLowest';

const STATS_EVERY_MS = 500;
/** A stream that is over and whose player has had nothing to show for this long has been seen to its end. */
const PLAYED_OUT_MS = 1200;

export interface Source {
  url: string;
  /** A recording or a clip, which is played from `startAtS` on. */
  isRecorded?: boolean;
  startAtS?: number;
  /** The same as a program time, and the program time of media time 0: for a playlist that does not begin with the stream. */
  startAtMs?: number;
  zeroMs?: number;
  /** The playlist of what a live stream can be rewound to; once it is over, and `rest` is 'kept', of its recording. */
  rewindUrl?: string | null;
  rest?: Rest;
  /** Where a live stream is to be had over WebRTC; null: nowhere. */
  whepUrl?: string | null;
  loop?: Loop | null;
  /** Something else has the viewer's ear: this pauses as long. */
  isHeld?: boolean;
  /** A new number is a new start, even of the same address. */
  take: number;
  /** The stream is over; what is left of it still plays. */
  isEnding?: boolean;
  /** The publisher is gone for the moment; the stream goes on, perhaps with nothing new. */
  isInterrupted?: boolean;
  onPlayable?: () => void;
  onMissing?: () => void;
  onRefused?: () => void;
  /** What was rewound to is gone: is the stream over? */
  onPastMissing?: () => void;
  /** It is over in the middle of what the viewer was watching, and nothing of it is left. */
  onCutShort?: () => void;
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
  lowest: Lowest;
  /** Over HLS for now, which can do more than WebRTC. */
  useHls: () => void;
  play: () => void;
  pause: () => void;
  toggle: () => void;
  goLive: () => void;
  seekBy: (seconds: number) => void;
  /** To a position of what is recorded. */
  seekTo: (positionS: number) => void;
  /** To a moment of a live stream, ms since the epoch. */
  seekToProgram: (programMs: number) => void;
  /** The program time of the newest live picture. */
  edgeMs: () => number | null;
  mediaAt: (positionS: number) => number | null;
  positionOfMedia: (mediaS: number) => number | null;
  rate: number;
  setRate: (rate: number) => void;
  retry: () => void;
  unmute: () => void;
  toggleMute: () => void;
  setVolume: (volume: number) => void;
}

/** One engine for as long as the source stays the same; everything is taken down with it. */
export function usePlayer(source: Source, isPreview: boolean, hasSound = !isPreview): PlayerHandle {
  const { url, take, isRecorded = false, rewindUrl = null, rest, whepUrl = null, loop = null, isHeld = false, isEnding = false, isInterrupted = false, ...callbacks } = source;
  const lasting = sameness(url); // a newer token is the same source
  const video = useRef<HTMLVideoElement>(null);
  const engine = useRef<PlayerEngine | null>(null);
  const latest = useRef(callbacks);
  latest.current = callbacks;
  const begin = useRef(source);
  begin.current = source;
  const addresses = useRef({ url, rewindUrl });
  addresses.current = { url, rewindUrl };
  const [state, send] = useReducer(nextState, START);
  const [stats, setStats] = useState<Stats | null>(null);
  const [firstFrameMs, setFirstFrameMs] = useState<number | null>(null);
  const [qualities, setQualities] = useState<Quality[]>([]);
  const [rate, setRate] = useState(1);
  const choice = useQuality((quality) => (isPreview ? 'auto' : quality.choice));
  const sound = useSound();
  const { lowest, ...wanted } = useLowest(engine, isPreview || isRecorded ? null : whepUrl);
  const isMuted = !hasSound || sound.muted || state.isMutedByBrowser;

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
      url: addresses.current.url,
      isRecorded,
      startAtS: begin.current.startAtS,
      startAtMs: begin.current.startAtMs,
      zeroMs: begin.current.zeroMs,
      loadHls,
      onEvent: (event) => {
        send(event);
        if (event.type === 'playing') setFirstFrameMs((known) => known ?? Math.round(performance.now() - mountedAt));
      },
      onPlayable: () => latest.current.onPlayable?.(),
      onMissing: () => latest.current.onMissing?.(),
      onRefused: () => latest.current.onRefused?.(),
      onPastMissing: () => latest.current.onPastMissing?.(),
      onCutShort: () => latest.current.onCutShort?.(),
      onQualities: setQualities,
      loadWhep,
      onLowest: wanted.hear,
      isSmall: isPreview,
    });
    engine.current = current;
    const timer = setInterval(() => setStats(current.stats()), STATS_EVERY_MS);
    return () => {
      clearInterval(timer);
      current.destroy();
      engine.current = null;
    };
  }, [lasting, take, isPreview, isRecorded]);

  useEffect(() => engine.current?.setQuality(choice), [lasting, take, choice]);
  useEffect(() => engine.current?.setInterrupted(isInterrupted), [lasting, take, isInterrupted]);
  useEffect(() => engine.current?.setAddresses(url, rewindUrl, rest), [take, url, rewindUrl, rest]);
  useEffect(() => engine.current?.setLowest(wanted.isWanted, wanted.whepUrl), [lasting, take, wanted.isWanted, wanted.whepUrl]);
  useEffect(() => engine.current?.setRate(rate), [lasting, take, rate]);
  useEffect(() => engine.current?.setLoop(loop && { ...loop }), [lasting, take, loop?.startS, loop?.endS]);
  useHeld(isHeld, engine, video);

  const hasPicture = state.phase === 'playing' || state.phase === 'paused';
  const hasEnded = state.phase === 'ended';
  const isPast = stats?.place.isPast ?? false;
  useEffect(() => {
    if (!isEnding || hasPicture || (isPast && !hasEnded)) return; // who is far behind has much left to see
    const timer = setTimeout(() => latest.current.onPlayedOut?.(), hasEnded ? 0 : PLAYED_OUT_MS);
    return () => clearTimeout(timer);
  }, [isEnding, hasPicture, hasEnded, isPast]);

  const unmute = useCallback(() => {
    send({ type: 'sound-on' });
    useSound.getState().setMuted(false);
  }, []);

  /** What was asked for shows at once. */
  const now = (act: (engine: PlayerEngine) => void) => {
    if (!engine.current) return;
    act(engine.current);
    setStats(engine.current.stats());
  };

  return {
    video,
    state,
    stats,
    firstFrameMs,
    isMuted,
    qualities,
    lowest,
    useHls: () => now((engine) => engine.useHls()),
    unmute,
    play: () => engine.current?.play(),
    pause: () => engine.current?.pause(),
    toggle: () => (video.current?.paused ? engine.current?.play() : engine.current?.pause()),
    goLive: () => now((engine) => engine.goLive()),
    seekBy: (seconds) => now((engine) => engine.seekBy(seconds)),
    seekTo: (positionS) => now((engine) => engine.seekTo(positionS)),
    seekToProgram: (programMs) => now((engine) => engine.seekToProgram(programMs)),
    edgeMs: () => engine.current?.edgeMs() ?? null,
    mediaAt: (positionS) => engine.current?.mediaAt(positionS) ?? null,
    positionOfMedia: (mediaS) => engine.current?.positionOfMedia(mediaS) ?? null,
    rate,
    setRate,
    retry: () => engine.current?.retry(),
    toggleMute: () => (isMuted ? unmute() : sound.setMuted(true)),
    setVolume: (volume) => {
      send({ type: 'sound-on' });
      sound.setVolume(volume);
    },
  };
}

/** Pause while held, and go on afterwards if it played before. */
function useHeld(isHeld: boolean, engine: RefObject<PlayerEngine | null>, video: RefObject<HTMLVideoElement | null>): void {
  useEffect(() => {
    if (!isHeld || video.current?.paused !== false) return;
    engine.current?.pause();
    return () => engine.current?.play();
  }, [isHeld, engine, video]);
}

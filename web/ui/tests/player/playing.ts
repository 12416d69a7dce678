/** An engine that plays a fake hls.js into a video element; the test says what happens. */

import { afterEach, beforeEach, vi } from 'vitest';
import { PlayerEngine, type EngineOptions } from '../../src/player/engine';
import type { PlayerEvent } from '../../src/player/state';
import { FakeHls } from './fake-hls';

export let video: HTMLVideoElement;
export let events: PlayerEvent[];
export let engine: PlayerEngine;
export const onPlayable = vi.fn();
export const onMissing = vi.fn();
export const onRefused = vi.fn();
export const onQualities = vi.fn();
export const onPastMissing = vi.fn();
export const onCutShort = vi.fn();
let isPaused = true;

export const types = () => events.map(({ type }) => type);
export const notAllowed = () => Promise.reject(new DOMException('click first', 'NotAllowedError'));
/** The browser plays it. */
export const moves = () => void (isPaused = false);

export function setUpPlaying(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(1);
    FakeHls.install();
    events = [];
    for (const told of [onPlayable, onMissing, onRefused, onQualities, onPastMissing, onCutShort]) told.mockClear();
    isPaused = true;
    video = document.createElement('video');
    Object.defineProperty(video, 'paused', { get: () => isPaused });
    hasRange(20, 51);
    video.play = vi.fn(async () => void (isPaused = false));
    video.pause = vi.fn(() => void (isPaused = true));
    video.load = vi.fn();
  });
  afterEach(() => engine.destroy());
}

export async function start(more: Partial<EngineOptions> = {}): Promise<void> {
  engine = new PlayerEngine({
    video, url: '/hls/demo/playlist.m3u8', loadHls: async () => FakeHls.asClass, onEvent: (event) => events.push(event),
    onPlayable, onMissing, onRefused, onQualities, onPastMissing, onCutShort, ...more,
  });
  await vi.advanceTimersByTimeAsync(0);
}

/** What can be sought to. */
export function hasRange(startS: number, endS: number): void {
  Object.defineProperty(video, 'seekable', { value: { length: 1, start: () => startS, end: () => endS }, configurable: true });
}

export function isBuffered(startS: number, endS: number): void {
  Object.defineProperty(video, 'buffered', { value: { length: 1, start: () => startS, end: () => endS }, configurable: true });
}

export function playAt(seconds: number): void {
  video.currentTime = seconds;
  video.dispatchEvent(new Event('playing'));
}

export const fails404 = (details = 'manifestLoadError') => FakeHls.last.fail(details, { response: { code: 404 } });

export const EDGE_MS = 1_800_000_000_000;

export const list = (start: number, count: number, firstMs: number) =>
  Array.from({ length: count }, (_, index) => ({ start: start + 2 * index, duration: 2, programDateTime: firstMs + 2000 * index }));

/** A live stream whose playlist lists 20 s to 50 s, whose end is now, and what can be rewound to. */
export async function playLive(): Promise<void> {
  vi.setSystemTime(EDGE_MS);
  await start();
  engine.setAddresses('/hls/demo/playlist.m3u8', '/hls/demo/rewind.m3u8');
  FakeHls.last.emit('parsed');
  FakeHls.last.latestLevelDetails = { ...FakeHls.last.latestLevelDetails!, fragments: list(20, 15, EDGE_MS - 30_000), fragmentStart: 20, edge: 50 };
  playAt(48);
  engine.stats();
}

/** Half an hour before now, in the playlist's own clock from 0. */
export function listPast(live = true): void {
  const fragments = list(0, 900, EDGE_MS - 1_800_000);
  FakeHls.last.latestLevelDetails = { live, partTarget: 0, targetduration: 2, fragments, fragmentStart: 0, edge: 1800 };
  FakeHls.last.emit('updated', { details: FakeHls.last.latestLevelDetails });
}

/** A minute that was recorded. */
export async function playRecording(more: Partial<EngineOptions> = {}): Promise<void> {
  await start({ url: '/vods/v1/playlist.m3u8', isRecorded: true, ...more });
  FakeHls.last.latestLevelDetails = { live: false, partTarget: 0, targetduration: 2, fragments: list(0, 30, 1_000_000), fragmentStart: 0, edge: 60 };
  hasRange(0, 60);
  FakeHls.last.emit('parsed');
}

import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import { makeQueryClient } from '../../src/api/queries';
import type { Channel, Clip, Me, Playback, Vod } from '../../src/api/types';
import { makeRouter } from '../../src/router';

/** The whole application at an address. */
export function open(path: string) {
  const router = makeRouter(createMemoryHistory({ initialEntries: [path] }));
  const client = makeQueryClient();
  const view = render(<QueryClientProvider client={client}><RouterProvider router={router} /></QueryClientProvider>);
  return { ...view, router, client };
}

export const channel = (change: Partial<Channel> = {}): Channel => ({
  id: 'c1', userId: 'u1', name: 'demo', displayName: 'Demo', title: 'Test picture', categoryId: 'just-chatting', language: 'en', tags: ['cosy'], mature: false,
  isLive: false, startedAt: null, viewerCount: 0, thumbnailUrl: '', createdAt: '2026-01-01T00:00:00Z',
  isReconnecting: false, ladder: null, visibility: 'public', vodVisibility: 'public', recording: true, keepDays: null, keepGb: null, ...change,
});

export const me = (change: Partial<Me> = {}): Me => ({
  user: { id: 'u1', username: 'ann', displayName: 'Ann', avatarUrl: '', createdAt: '2026-01-01T00:00:00Z' }, isAdmin: false, email: null,
  channels: [{ id: 'c1', name: 'demo' }], mayPull: false, chatColor: '', ...change,
});

export const vod = (change: Partial<Vod> = {}): Vod => ({
  id: 'v1', channelId: 'c1', channelName: 'demo', channelDisplayName: 'Demo', sessionId: 's1', title: 'Marble run', state: 'ready', visibility: 'public', whyNot: null,
  startedAt: new Date(Date.now() - 3 * 3600_000).toISOString(), durationMs: 3_725_000, sizeBytes: 1_234_000_000, thumbnailUrl: '/vods/v1/thumbnail.jpg',
  storyboardUrl: null, playlistUrl: '/vods/v1/playlist.m3u8', downloadUrl: '/vods/v1.mp4', expiresAt: null, chapters: [], hasGaps: false, deletesAt: null, ...change,
});

export const clip = (change: Partial<Clip> = {}): Clip => ({
  id: 'k1', channelId: 'c1', channelName: 'demo', channelDisplayName: 'Demo', vodId: 'v1', creatorId: 'u9', creatorName: 'Bo', title: 'The jump', state: 'cutting', visibility: 'public',
  whyNot: null, startMs: 754_300, durationMs: 30_000, createdAt: new Date(Date.now() - 60_000).toISOString(), thumbnailUrl: '', playlistUrl: '/clips/k1/playlist.m3u8',
  mp4Url: '/clips/k1.mp4', pageUrl: 'http://localhost:3000/clips/k1', expiresAt: null, hasGaps: false, ...change,
});

export const playback = (change: Partial<Playback> = {}): Playback => ({
  visibility: 'public', whyNot: null, playlistUrl: '/hls/c1/playlist.m3u8', rewindUrl: '/hls/c1/rewind.m3u8', storyboardUrl: '/hls/c1/s1/storyboard.vtt',
  rewindFrom: new Date(Date.now() - 600_000).toISOString(), expiresAt: null, vodId: 'v1', whepUrl: null, ...change,
});

import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import { makeQueryClient } from '../../src/api/queries';
import type { Channel, Me } from '../../src/api/types';
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
  channels: [{ id: 'c1', name: 'demo' }], ...change,
});

/** Every page and its address. Pages load when they are opened, or when a pointer rests on a link to them. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, type RouterHistory } from '@tanstack/react-router';
import { isShown, type Shown } from './moderation/shown';
import { ErrorState } from './ui/States';
import { Layout } from './ui/Layout';
import { NotFound } from './ui/NotFound';

const root = createRootRoute({
  component: Layout,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
});

/** Only a path of this site: a sign-in link must not send anyone elsewhere. */
export function localPath(value: unknown): string | undefined {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : undefined;
}
const withReturn = (search: Record<string, unknown>): { next?: string } => {
  const next = localPath(search.next);
  return next ? { next } : {};
};

/** What an address of a page may carry: the token of a shared one, where to begin, what to show. */
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const withKey = (search: Record<string, unknown>): { key?: string } => {
  const key = text(search.key);
  return key ? { key } : {};
};
const withChannel = (search: Record<string, unknown>): { channel?: string } => {
  const channel = text(search.channel);
  return channel ? { channel } : {};
};
const withPlace = (search: Record<string, unknown>): { key?: string; t?: number } => {
  const t = Number(search.t ?? 'none');
  return { ...withKey(search), ...(Number.isFinite(t) && t >= 0 && { t }) };
};

const routes = [
  createRoute({ getParentRoute: () => root, path: '/', component: lazyRouteComponent(() => import('./home/HomePage'), 'HomePage') }),
  createRoute({
    getParentRoute: () => root,
    path: '/login',
    validateSearch: withReturn,
    component: lazyRouteComponent(() => import('./account/LoginPage'), 'LoginPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/signup',
    validateSearch: withReturn,
    component: lazyRouteComponent(() => import('./account/SignupPage'), 'SignupPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/dashboard',
    validateSearch: withChannel,
    component: lazyRouteComponent(() => import('./dashboard/DashboardPage'), 'DashboardPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/dashboard/go-live',
    validateSearch: withChannel,
    component: lazyRouteComponent(() => import('./broadcast/GoLivePage'), 'GoLivePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/dashboard/relay',
    validateSearch: withChannel,
    component: lazyRouteComponent(() => import('./dashboard/RelayPage'), 'RelayPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/dashboard/videos',
    validateSearch: withChannel,
    component: lazyRouteComponent(() => import('./dashboard/VideosPage'), 'VideosPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/dashboard/chat',
    validateSearch: (search: Record<string, unknown>): { channel?: string; show?: Shown } => ({ ...withChannel(search), ...(isShown(search.show) && { show: search.show }) }),
    component: lazyRouteComponent(() => import('./moderation/ModerationPage'), 'ModerationPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/dashboard/emotes',
    validateSearch: withChannel,
    component: lazyRouteComponent(() => import('./emotes/EmotesPage'), 'EmotesPage'),
  }),
  createRoute({ getParentRoute: () => root, path: '/settings', component: lazyRouteComponent(() => import('./settings/SettingsPage'), 'SettingsPage') }),
  createRoute({
    getParentRoute: () => root,
    path: '/videos/$id',
    validateSearch: withPlace,
    component: lazyRouteComponent(() => import('./videos/VideoPage'), 'VideoPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/clips/$id',
    validateSearch: withKey,
    component: lazyRouteComponent(() => import('./videos/ClipPage'), 'ClipPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/$channel',
    validateSearch: withKey,
    component: lazyRouteComponent(() => import('./watch/WatchPage'), 'WatchPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/$channel/videos',
    validateSearch: (search: Record<string, unknown>): { show?: 'clips' } => (search.show === 'clips' ? { show: 'clips' } : {}),
    component: lazyRouteComponent(() => import('./videos/ChannelVideosPage'), 'ChannelVideosPage'),
  }),
] as const;

export const makeRouter = (history?: RouterHistory) =>
  createRouter({
    ...(history && { history }),
    routeTree: root.addChildren(routes),
    scrollRestoration: true,
    defaultPreload: 'intent',
    defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}

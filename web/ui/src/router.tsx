/** Every page and its address. Pages load when they are opened, or when a pointer rests on a link to them. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, type RouterHistory } from '@tanstack/react-router';
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
    validateSearch: (search: Record<string, unknown>): { channel?: string } =>
      typeof search.channel === 'string' ? { channel: search.channel } : {},
    component: lazyRouteComponent(() => import('./dashboard/DashboardPage'), 'DashboardPage'),
  }),
  createRoute({ getParentRoute: () => root, path: '/$channel', component: lazyRouteComponent(() => import('./watch/WatchPage'), 'WatchPage') }),
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

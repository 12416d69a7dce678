import { Outlet, useRouterState } from '@tanstack/react-router';
import { ErrorBoundary } from './ErrorBoundary';
import { Header } from './Header';
import { OnAirBar } from './OnAirBar';
import { Toasts } from './Toasts';

export function Layout() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <>
      <a className="skip" href="#main">Skip to the content</a>
      <Header />
      <main id="main" tabIndex={-1}>
        <ErrorBoundary resetKey={path}><Outlet /></ErrorBoundary>
      </main>
      <OnAirBar />
      <Toasts />
    </>
  );
}

import { Link, useRouterState } from '@tanstack/react-router';
import { useOnAir } from '../stores/on-air';

/** While this tab sends a stream, every other page says so and leads back. */
export function OnAirBar() {
  const { channel, isReconnecting } = useOnAir();
  const path = useRouterState({ select: (state) => state.location.pathname });
  if (channel === null || path === '/dashboard/go-live') return null;
  return (
    <p className="on-air-bar" role="status" data-testid="on-air-bar">
      <span className="on-air-lamp" aria-hidden="true" />
      <span>{isReconnecting ? 'This tab lost its connection and comes back' : 'You are live from this tab'}</span>
      <Link to="/dashboard/go-live" search={{ channel }} className="button">Controls</Link>
    </p>
  );
}

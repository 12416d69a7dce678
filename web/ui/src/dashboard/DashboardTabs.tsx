import { Link } from '@tanstack/react-router';

/** From the running stream to what is kept of those before, and back. */
export function DashboardTabs({ channel, current }: { channel: string | undefined; current: 'studio' | 'videos' }) {
  const search = channel ? { channel } : {};
  return (
    <nav className="dashboard-tabs" aria-label="Dashboard">
      <Link to="/dashboard" search={search} activeOptions={{ exact: true }} aria-current={current === 'studio' ? 'page' : undefined}>Stream</Link>
      <Link to="/dashboard/videos" search={search} aria-current={current === 'videos' ? 'page' : undefined}>Videos</Link>
    </nav>
  );
}

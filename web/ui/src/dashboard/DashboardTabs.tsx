import { Link } from '@tanstack/react-router';
import { useInSight } from '../ui/useInSight';

export const TABS = {
  studio: { path: '/dashboard', words: 'Stream' },
  live: { path: '/dashboard/go-live', words: 'Go live' },
  relay: { path: '/dashboard/relay', words: 'Relay' },
  videos: { path: '/dashboard/videos', words: 'Videos' },
  chat: { path: '/dashboard/chat', words: 'Chat' },
  emotes: { path: '/dashboard/emotes', words: 'Emotes' },
} as const;

export type Tab = keyof typeof TABS;

/** From the running stream to the camera, to other servers, to what is kept of the streams before, to the chat, and back. */
export function DashboardTabs({ channel, current }: { channel: string | undefined; current: Tab }) {
  const search = channel ? { channel } : {};
  const nav = useInSight(current);
  return (
    <nav ref={nav} className="dashboard-tabs" aria-label="Dashboard">
      {Object.entries(TABS).map(([tab, { path, words }]) => (
        <Link key={tab} to={path} search={search} activeOptions={{ exact: true }} aria-current={current === tab ? 'page' : undefined}>{words}</Link>
      ))}
    </nav>
  );
}

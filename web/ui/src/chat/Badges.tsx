import type { Badge } from '../api/types';

/** Our own marks, 16 units, drawn in the badge's colour; each says in words what it means. */
const SHAPES: Record<Badge['type'], { name: string; shape: React.ReactNode }> = {
  broadcaster: { name: 'Broadcaster', shape: <path d="M3 5h7v6H3zM10 8l3.5-2.5v5z" fill="currentColor" /> },
  moderator: { name: 'Moderator', shape: <path d="M8 2.5 13 4v4c0 3-2 4.8-5 5.8C5 12.8 3 11 3 8V4z" fill="currentColor" /> },
  vip: { name: 'VIP', shape: <path d="M4.5 3h7L14 6.5 8 13.5 2 6.5z" fill="currentColor" /> },
  subscriber: { name: 'Subscriber', shape: <path d="m8 2 1.9 3.9 4.2.6-3 3 .7 4.2L8 11.7l-3.8 2 .7-4.2-3-3 4.2-.6z" fill="currentColor" /> },
  bot: { name: 'Bot', shape: <path d="M8 2v2.5M3.5 5.5h9v7h-9zM6.2 8.3v1.2M9.8 8.3v1.2" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" /> },
  staff: { name: 'Administrator', shape: <path d="M10.5 2.7a3.6 3.6 0 0 0-3.4 4.7L2.5 12l1.6 1.6 4.6-4.6a3.6 3.6 0 0 0 4.6-4.5L11 6.5 9.5 5l2-2.1z" fill="currentColor" /> },
};

export function badgeName({ type, version }: Badge): string {
  const name = SHAPES[type]?.name ?? type;
  return type === 'subscriber' && version && version > 1 ? `${name} for ${version} months` : name;
}

export function Badges({ badges }: { badges: readonly Badge[] }) {
  if (badges.length === 0) return null;
  return (
    <span className="chat-badges">
      {badges.map((badge) => SHAPES[badge.type] && (
        <svg key={badge.type} className="chat-badge" data-type={badge.type} role="img" aria-label={badgeName(badge)} width="16" height="16" viewBox="0 0 16 16">
          <title>{badgeName(badge)}</title>
          {SHAPES[badge.type].shape}
        </svg>
      ))}
    </span>
  );
}

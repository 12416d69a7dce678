import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { chatSettingsQuery, heldQuery, reportsQuery } from '../api/moderation';
import { channelQuery, useMe } from '../api/queries';
import type { Channel } from '../api/types';
import { ChatPanel } from '../chat/ChatPanel';
import { PictureClock } from '../chat/in-step';
import { useChat } from '../chat/useChat';
import { DashboardFrame } from '../dashboard/DashboardFrame';
import { EmptyState, ErrorState } from '../ui/States';
import { useInSight } from '../ui/useInSight';
import { useTitle } from '../ui/useTitle';
import { ActsPanel } from './ActsPanel';
import { BansPanel } from './BansPanel';
import { HeldPanel } from './HeldPanel';
import { ModesPanel } from './ModesPanel';
import { Part } from './Part';
import { PersonDialog } from './PersonDialog';
import { ReportsPanel } from './ReportsPanel';
import { RolesPanel } from './RolesPanel';
import { SharesPanel } from './SharesPanel';
import { TermsPanel } from './TermsPanel';
import { SHOWN, type Shown } from './shown';
import { useModeratorEvents } from './useModeratorEvents';
import './moderation.css';

/** The moderators' side of a chat: of my own channel, or of one whose owner trusts me. */
export function ModerationPage() {
  const { channel: wanted } = useSearch({ from: '/dashboard/chat' });
  const { data: me } = useMe();
  if (me && wanted && !me.channels.some(({ name }) => name === wanted)) return <OthersChannel key={wanted} name={wanted} isAdmin={me.isAdmin} />;
  return (
    <DashboardFrame tab="chat" title="Chat" wanted={wanted} testid="dashboard-chat">
      {(chosen) => <Desk key={chosen.id} channelId={chosen.id} ownerId={me?.user.id ?? ''} name={chosen.name} isOwner />}
    </DashboardFrame>
  );
}

function OthersChannel({ name, isAdmin }: { name: string; isAdmin: boolean }) {
  useTitle('Chat');
  const query = useQuery(channelQuery(name));
  if (query.error && !query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return query.data ? <Trusted channel={query.data} isAdmin={isAdmin} /> : <Loading />;
}

function Loading() {
  return <div className="dashboard" aria-busy="true"><div className="skeleton panel-skeleton" /></div>;
}

/** The lists of terms are there for moderators alone: that is how the page knows. */
function Trusted({ channel: { id, userId, name, displayName }, isAdmin }: { channel: Channel; isAdmin: boolean }) {
  const query = useQuery(chatSettingsQuery(id));
  if (query.error && !query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  if (query.data.blockedTerms === null) {
    return (
      <EmptyState testid="no-moderator" title="You do not moderate this chat" action={<Link to="/$channel" params={{ channel: name }} className="button primary">To the channel</Link>}>
        {displayName} can make you a moderator.
      </EmptyState>
    );
  }
  return (
    <div className="dashboard" data-testid="dashboard-chat">
      <div className="dashboard-head">
        <div><h1>Chat of {displayName}</h1><p className="muted">You moderate {name}</p></div>
        <div className="dashboard-actions"><Link to="/$channel" params={{ channel: name }} className="button">View channel</Link></div>
      </div>
      <Desk channelId={id} ownerId={userId} name={name} isOwner={isAdmin} />
    </div>
  );
}

interface DeskProps {
  channelId: string;
  ownerId: string;
  name: string;
  isOwner: boolean;
}

function Desk({ channelId, ownerId, name, isOwner }: DeskProps) {
  const { show = 'queue' } = useSearch({ from: '/dashboard/chat' });
  const [person, setPerson] = useState<string | null>(null);
  useModeratorEvents(channelId);
  return (
    <div className="desk">
      <DeskTabs channelId={channelId} name={name} isOwner={isOwner} current={show} />
      <div className="desk-panels">
        <Panels show={show} channelId={channelId} isOwner={isOwner} onPerson={setPerson} />
      </div>
      <LiveChat channelId={channelId} ownerId={ownerId} name={name} />
      {person && <PersonDialog channelId={channelId} userId={person} onClose={() => setPerson(null)} />}
    </div>
  );
}

/** The chat itself, to see what the rules do and to step in. */
function LiveChat({ channelId, ownerId, name }: Omit<DeskProps, 'isOwner'>) {
  const clock = useMemo(() => new PictureClock(), []);
  const room = useChat(channelId, clock);
  return <div className="desk-chat"><ChatPanel room={room} channel={{ id: channelId, userId: ownerId, name }} hasPicture={false} /></div>;
}

function DeskTabs({ channelId, name, isOwner, current }: Omit<DeskProps, 'ownerId'> & { current: Shown }) {
  const { data: held } = useQuery(heldQuery(channelId));
  const { data: reports } = useInfiniteQuery(reportsQuery(channelId));
  const open = reports?.pages.flatMap(({ items }) => items).filter(({ outcome }) => outcome === null) ?? [];
  const waiting = (held?.length ?? 0) + open.length;
  const nav = useInSight(current);
  return (
    <nav ref={nav} className="desk-tabs" aria-label="Chat">
      {Object.entries(SHOWN).filter(([show]) => isOwner || show !== 'shared').map(([show, words]) => (
        <Link key={show} to="/dashboard/chat" search={{ channel: name, ...(show !== 'queue' && { show: show as Shown }) }} activeOptions={{ exact: true, includeSearch: true }} aria-current={current === show ? 'page' : undefined}>
          {words}
          {show === 'queue' && waiting > 0 && <span className="desk-count" aria-label={`${waiting} waiting`}>{waiting}</span>}
        </Link>
      ))}
    </nav>
  );
}

interface PanelsProps {
  show: Shown;
  channelId: string;
  isOwner: boolean;
  onPerson: (userId: string) => void;
}

function Panels({ show, channelId, isOwner, onPerson }: PanelsProps) {
  switch (show) {
    case 'queue':
      return <><HeldPanel channelId={channelId} onPerson={onPerson} /><ReportsPanel channelId={channelId} onPerson={onPerson} /></>;
    case 'rules':
      return <Rules channelId={channelId} />;
    case 'people':
      return <><BansPanel channelId={channelId} onPerson={onPerson} /><RolesPanel channelId={channelId} isOwner={isOwner} /></>;
    case 'log':
      return <ActsPanel channelId={channelId} onPerson={onPerson} />;
    case 'shared':
      return <SharesPanel channelId={channelId} />;
  }
}

function Rules({ channelId }: { channelId: string }) {
  const query = useQuery(chatSettingsQuery(channelId));
  if (!query.data) return <Part id="modes" title="Who may say what" query={query}>{() => null}</Part>;
  return (
    <>
      <ModesPanel channelId={channelId} settings={query.data} />
      <TermsPanel channelId={channelId} settings={query.data} which="blockedTerms" />
      <TermsPanel channelId={channelId} settings={query.data} which="heldTerms" />
    </>
  );
}

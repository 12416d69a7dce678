import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { channelsQuery, useMe } from '../api/queries';
import { preloadHls } from '../player/loader';
import { useLampWhile } from '../stores/lamp';
import { EmptyState, ErrorState } from '../ui/States';
import { useTitle } from '../ui/useTitle';
import { CardSkeleton, ChannelCard, OffAirChannel } from './ChannelCard';
import './home.css';

/** The player's code is most likely needed next; it waits until the page has nothing better to do. */
const PRELOAD_AFTER_MS = 1500;
const SKELETONS = 4;

export function HomePage() {
  useTitle('');
  const live = useQuery(channelsQuery(true));
  const channels = live.data?.channels ?? [];
  useLampWhile(channels.length > 0);
  useEffect(() => {
    const timer = setTimeout(preloadHls, PRELOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);

  if (live.error && !live.data) return <ErrorState error={live.error} onRetry={() => void live.refetch()} />;
  if (live.data && channels.length === 0) return <><NobodyOnAir /><OffAir /></>;
  return (
    <>
      <section className="home" aria-labelledby="on-air">
        <h1 id="on-air" className="home-title">On air now</h1>
        <ul className="grid" data-testid="live-grid" aria-busy={live.isPending}>
          {live.isPending
            ? Array.from({ length: SKELETONS }, (_, index) => <li key={index}><CardSkeleton /></li>)
            : channels.map((channel) => <li key={channel.id}><ChannelCard channel={channel} /></li>)}
        </ul>
      </section>
      <OffAir />
    </>
  );
}

function NobodyOnAir() {
  const { data: me } = useMe();
  return (
    <div className="home-empty" data-testid="home-empty">
      <Monitor />
      <EmptyState
        title="Nobody is on air"
        action={
          me ? (
            <Link to="/dashboard" className="button primary">Go live from your dashboard</Link>
          ) : (
            <>
              <Link to="/signup" className="button primary">Create an account</Link>
              <Link to="/login" className="button">Sign in</Link>
            </>
          )
        }
      >
        {me
          ? 'Your dashboard has the address and the key for OBS. The first picture shows up here within seconds.'
          : 'Streams show up here the moment they start. Want to be the first? You need an account and OBS.'}
      </EmptyState>
    </div>
  );
}

/** A monitor whose tally lamp is dark. */
function Monitor() {
  return (
    <svg className="home-monitor" viewBox="0 0 220 140" aria-hidden="true" focusable="false" fill="none" strokeLinecap="round">
      <rect x="24" y="26" width="172" height="98" rx="12" className="monitor-case" />
      <path d="M48 58v-8h8M172 58v-8h-8M172 92v8h-8M48 92v8h8" className="monitor-line" />
      <path d="M102 75h16M110 67v16" className="monitor-line" />
      <rect x="94" y="12" width="32" height="14" rx="5" className="monitor-lamp" />
      <path d="M84 136h52M110 124v12" className="monitor-line" />
    </svg>
  );
}

function OffAir() {
  const { data } = useQuery(channelsQuery(false));
  const channels = data?.channels.filter((channel) => !channel.isLive) ?? [];
  if (channels.length === 0) return null; // an extra: nothing is missing without it
  return (
    <section className="home" aria-labelledby="off-air">
      <h2 id="off-air" className="home-title small">Off air</h2>
      <ul className="chips">
        {channels.map((channel) => <li key={channel.id}><OffAirChannel channel={channel} /></li>)}
      </ul>
    </section>
  );
}

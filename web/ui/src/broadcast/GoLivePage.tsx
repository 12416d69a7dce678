import { Link, useSearch } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { streamKeyQuery } from '../api/queries';
import type { Channel, OwnedChannel } from '../api/types';
import { DashboardFrame } from '../dashboard/DashboardFrame';
import { formatDuration, formatViewers } from '../format';
import { useLampWhile } from '../stores/lamp';
import { LiveBadge } from '../ui/States';
import { useNow } from '../ui/useNow';
import { useChannel } from '../watch/useChannel';
import type { AirState } from './broadcaster';
import { ControlBar } from './ControlBar';
import { Preview } from './Preview';
import { QualityPanel } from './QualityPanel';
import { SendingPanel } from './SendingPanel';
import { SourcesPanel } from './SourcesPanel';
import { isOnAir, sitDown, standUp, useStudio } from './studio';
import { obstacle, type Trouble } from './trouble';
import { TroubleNote } from './TroubleNote';
import './broadcast.css';

/** Go live from the browser: camera, screen and microphone, over WHIP. */
export function GoLivePage() {
  const { channel: wanted } = useSearch({ from: '/dashboard/go-live' });
  return (
    <DashboardFrame tab="live" title="Go live" wanted={wanted} isBound testid="dashboard-live">
      {(chosen) => <LiveRoom key={chosen.id} owned={chosen} />}
    </DashboardFrame>
  );
}

const NO_WEBRTC: Trouble = {
  id: 'unavailable', title: 'This server takes no streams from browsers',
  text: 'WebRTC is turned off here, or does not run at the moment. An encoder such as OBS can send to it.',
};

/** A server that starts is known after a few seconds. */
const LOOK_AGAIN_MS = 5000;

function LiveRoom({ owned }: { owned: OwnedChannel }) {
  const info = useQuery({ ...streamKeyQuery(owned.id), refetchInterval: ({ state: { data } }) => (data?.publish.whip === null ? LOOK_AGAIN_MS : false) });
  const air = useStudio(({ air }) => air);
  const obstructed = obstacle() ?? (info.data && info.data.publish.whip === null && !isOnAir({ air }) ? NO_WEBRTC : null);
  if (!obstructed) return <Camera owned={owned} />;
  return (
    <section className="panel broadcast-obstacle" data-testid="obstacle" data-id={obstructed.id}>
      <TroubleNote trouble={obstructed} />
      <div className="actions">
        {obstructed === NO_WEBRTC && <button type="button" className="button" disabled={info.isFetching} onClick={() => void info.refetch()}>Look again</button>}
        <Link to="/dashboard" search={{ channel: owned.name }} className="button primary">Use an encoder</Link>
      </div>
    </section>
  );
}

function Camera({ owned }: { owned: OwnedChannel }) {
  const { desk, air, endedMs } = useStudio();
  const { channel, presence } = useChannel(owned.name);
  const isLive = presence.phase === 'live' && (channel?.isLive ?? false);
  const now = useNow(1000, endedMs !== null);
  const isEnding = isLive && air.phase === 'off' && endedMs !== null && now - endedMs < ENDING_MS;
  useLampWhile(air.phase !== 'off' && isLive);
  useEffect(() => {
    sitDown(owned);
    return standUp;
  }, [owned]);
  return (
    <div className="dashboard-columns">
      <div className="dashboard-main">
        <section className="panel broadcast-panel" aria-label="Camera">
          <StatusLine air={air} isLive={isLive} isEnding={isEnding} channel={channel} name={owned.name} />
          <Preview picture={desk.picture} shows={desk.shows} />
          <ControlBar isLiveElsewhere={isLive && !isEnding && air.phase === 'off'} />
        </section>
        {air.phase !== 'off' && <SendingPanel />}
      </div>
      <div className="dashboard-side">
        <SourcesPanel />
        <QualityPanel />
      </div>
    </div>
  );
}

/** From our goodbye until everybody has heard of it; longer, and it is somebody else's stream. */
const ENDING_MS = 10_000;

interface StatusProps {
  air: AirState;
  isLive: boolean;
  isEnding: boolean;
  channel: Channel | undefined;
  name: string;
}

function StatusLine({ air, isLive, isEnding, channel, name }: StatusProps) {
  const now = useNow(1000, air.phase !== 'off');
  const leftS = air.retryAtMs === null ? null : Math.ceil((air.retryAtMs - now) / 1000);
  return (
    <div className="status-line" data-testid="air" data-phase={air.phase} data-live={isLive}>
      <span role="status">{wordsOf(air, isLive, isEnding)}</span>
      {air.phase === 'reconnecting' && leftS !== null && leftS > 0 && <span className="muted" aria-hidden="true">next try in {leftS} s</span>}
      {air.phase === 'sending' && air.sinceMs !== null && <span>{formatDuration(now - air.sinceMs)}</span>}
      {air.phase === 'sending' && isLive && channel && <span>{formatViewers(channel.viewerCount)}</span>}
      {isLive && <Link to="/$channel" params={{ channel: name }} target="_blank" className="status-link">View channel</Link>}
    </div>
  );
}

function wordsOf({ phase, trouble }: AirState, isLive: boolean, isEnding: boolean) {
  switch (phase) {
    case 'off':
      return <span className="muted">{isEnding ? 'Ending …' : isLive ? 'On air from another encoder' : 'Off air'}</span>;
    case 'connecting':
      return 'Connecting …';
    case 'reconnecting':
      return <><LiveBadge isReconnecting /> <span className="status-why">{trouble?.title ?? 'Trying again'}</span></>;
    case 'sending':
      return isLive ? <LiveBadge>On air</LiveBadge> : 'Sending; going on air …';
  }
}

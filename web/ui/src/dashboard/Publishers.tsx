import type { NetworkHealth, PublisherHealth } from '../api/types';
import { formatBitrate, formatBytes, formatDuration, formatEncoder } from '../format';
import { useNow } from '../ui/useNow';

/** Shorter silences are the time between two looks. */
const SILENT_MS = 2000;

/** Who publishes into the session: one is on the air, others stand by. */
export function Publishers({ publishers }: { publishers: readonly PublisherHealth[] }) {
  const now = useNow(1000);
  const inOrder = [...publishers].sort((a, b) => Number(b.isOnAir) - Number(a.isOnAir) || b.priority - a.priority);
  return (
    <div className="health-part">
      <h3 id="publishers">{publishers.length > 1 ? 'Encoders' : 'Encoder'}</h3>
      <ul className="publishers" aria-labelledby="publishers">
        {inOrder.map((publisher) => (
          <li key={`${publisher.connectedAtMs} ${publisher.priority}`} data-testid="publisher" data-on-air={publisher.isOnAir}>
            <span className="publisher-lamp" aria-hidden="true" />
            <span className="publisher-words">
              <b>{publisher.isOnAir ? 'On air' : 'Standing by'}</b>
              <span>{formatEncoder(publisher.encoder)} · {publisher.protocol.toUpperCase()} · priority&nbsp;{publisher.priority}</span>
              <span className="muted">
                {formatBitrate(publisher.bitrateBps)}, jitter {publisher.jitterMs} ms, {formatBytes(publisher.receivedBytes)} in {formatDuration(now - publisher.connectedAtMs)}
                {publisher.silentMs > SILENT_MS && <span className="publisher-silent">, silent for {Math.round(publisher.silentMs / 1000)} s</span>}
              </span>
              {publisher.network && <Network network={publisher.network} />}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The way to one publisher, since it connected. */
function Network({ network }: { network: NetworkHealth }) {
  const { rttMs, latencyMs, receivedPackets, lostPackets, recoveredPackets, droppedPackets, isEncrypted } = network;
  const sent = receivedPackets + lostPackets;
  const share = sent > 0 ? (lostPackets / sent) * 100 : 0;
  return (
    <span className="muted" data-testid="network">
      Round trip {rttMs < 10 ? rttMs.toFixed(1) : Math.round(rttMs)} ms{latencyMs !== null && <>, latency {latencyMs} ms</>}, {count(lostPackets)} lost ({share.toFixed(share < 1 ? 2 : 1)} %),{' '}
      {count(recoveredPackets)} recovered, <span className={droppedPackets > 0 ? 'publisher-silent' : undefined}>{count(droppedPackets)} given up</span>, {isEncrypted ? 'encrypted' : 'not encrypted'}
    </span>
  );
}

const count = (value: number): string => value.toLocaleString('en');

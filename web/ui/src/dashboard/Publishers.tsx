import type { PublisherHealth } from '../api/types';
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
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

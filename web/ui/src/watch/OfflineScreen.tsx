import { Link } from '@tanstack/react-router';
import { useMe } from '../api/queries';
import type { Channel } from '../api/types';
import { Thumbnail } from '../ui/Thumbnail';

/** Between two streams: says so, and that waiting here is enough. */
export function OfflineScreen({ channel, isCutShort }: { channel: Channel; isCutShort: boolean }) {
  const { data: me } = useMe();
  const isMine = me?.user.id === channel.userId;
  return (
    <div className="offline" data-testid="offline">
      <Thumbnail channel={channel} />
      <div className="offline-words" role="status">
        <p className="offline-lamp"><span aria-hidden="true" /> Off air</p>
        <h2>{isCutShort ? 'The stream is over' : `${channel.displayName} is not live right now`}</h2>
        {isCutShort && <p data-testid="cut-short">There is no recording of it that you can watch, so it stops here.</p>}
        {isMine ? (
          <>
            <p>Start your encoder and this page turns into the player.</p>
            <Link to="/dashboard" className="button primary">Open the dashboard</Link>
          </>
        ) : (
          <p>Leave this page open: it turns into the player by itself when the stream starts.</p>
        )}
      </div>
    </div>
  );
}

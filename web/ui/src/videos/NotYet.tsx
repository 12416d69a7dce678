import { TestCard } from '../ui/TestCard';

/** There is nothing of it to play yet; the page looks again by itself. */
export function NotYet({ what, channelName }: { what: string; channelName: string }) {
  return (
    <div className="offline" data-testid="not-yet">
      <span className="thumbnail"><TestCard name={channelName} /></span>
      <div className="offline-words" role="status">
        <h2>The {what} is on its way</h2>
        <p>Its first seconds are being stored. It starts here by itself.</p>
      </div>
    </div>
  );
}

import { Link, useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMe } from '../api/queries';
import type { WhyNot } from '../api/types';
import { Icon } from '../ui/Icon';
import { TestCard } from '../ui/TestCard';
import { FollowButton } from './FollowButton';

interface Props {
  whyNot: WhyNot;
  /** What it is: "stream", "video" or "clip". */
  what: string;
  channel: { id: string; name: string; displayName: string };
}

/** In the picture's place: for whom this is, and how to become one of them. */
export function MayNotWatch({ whyNot, what, channel }: Props) {
  const { data: me } = useMe();
  const { title, advice } = words(whyNot, what, channel.displayName, Boolean(me));
  return (
    <div className="offline may-not" data-testid="may-not-watch" data-why={whyNot}>
      <span className="thumbnail"><TestCard name={channel.name} /></span>
      <div className="offline-words" role="status">
        <Icon name="lock" size={26} />
        <h2>{title}</h2>
        <p>{advice}</p>
        <Actions whyNot={whyNot} isSignedIn={Boolean(me)}>
          <FollowButton channelId={channel.id} isPrimary />
        </Actions>
      </div>
    </div>
  );
}

function Actions({ whyNot, isSignedIn, children }: { whyNot: WhyNot; isSignedIn: boolean; children: ReactNode }) {
  const path = useLocation({ select: ({ href }) => href });
  if (!isSignedIn) return <Link to="/login" search={{ next: path }} className="button primary">Sign in</Link>;
  return whyNot === 'followers' ? children : null;
}

function words(whyNot: WhyNot, what: string, name: string, isSignedIn: boolean): { title: string; advice: string } {
  switch (whyNot) {
    case 'followers':
      return {
        title: `For followers of ${name}`,
        advice: isSignedIn ? `Follow ${name}, and this ${what} starts.` : `Sign in and follow ${name} to watch this ${what}. Both cost nothing.`,
      };
    case 'subscribers':
      return { title: `For subscribers of ${name}`, advice: isSignedIn ? `You can watch this ${what} once you subscribe to ${name}.` : `Sign in, if you subscribe to ${name}.` };
    case 'private':
      return {
        title: `This ${what} is private`,
        advice: `Ask ${name} for a link: whoever has one can watch.${isSignedIn ? '' : ` If it is yours, sign in.`} A link that you had may have run out.`,
      };
  }
}

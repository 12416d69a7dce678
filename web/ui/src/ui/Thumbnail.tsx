import { useRef } from 'react';
import type { Channel } from '../api/types';
import { TestCard } from './TestCard';
import { useThumbnail } from './useThumbnail';

interface Props {
  channel: Pick<Channel, 'name' | 'displayName' | 'thumbnailUrl' | 'isLive'>;
  /** Put the channel's letter on the test card that stands in. */
  hasLetter?: boolean;
}

/** The channel's newest picture; its test card until there is one. */
export function Thumbnail({ channel, hasLetter = false }: Props) {
  const box = useRef<HTMLSpanElement>(null);
  const shown = useThumbnail(channel.thumbnailUrl, box, channel.isLive);
  return (
    <span ref={box} className="thumbnail">
      {shown ? <img src={shown} alt="" decoding="async" data-testid="thumbnail" /> : <TestCard name={channel.name} initial={hasLetter ? channel.displayName : undefined} />}
    </span>
  );
}

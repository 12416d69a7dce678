import { useEffect, useState } from 'react';
import { StoryTile } from '../player/StoryTile';
import { someOf } from '../player/storyboard';
import { useStoryboard } from '../player/useStoryboard';
import { TestCard } from '../ui/TestCard';

interface Props {
  url: string;
  channelName: string;
  /** While pointed at, pictures of the whole go by. */
  storyboardUrl?: string | null;
  isPointedAt?: boolean;
}

const FRAMES = 8;
const FRAME_MS = 700;

/** The picture of a recording or a clip; its channel's test card while there is none. */
export function Picture({ url, channelName, storyboardUrl = null, isPointedAt = false }: Props) {
  const [broken, setBroken] = useState('');
  const tiles = useStoryboard(storyboardUrl, isPointedAt, false);
  const frames = someOf(tiles, FRAMES);
  const [frame, setFrame] = useState(0);
  const isMoving = isPointedAt && frames.length > 1;
  useEffect(() => {
    if (!isMoving) return setFrame(0);
    const timer = setInterval(() => setFrame((index) => index + 1), FRAME_MS);
    return () => clearInterval(timer);
  }, [isMoving]);
  const tile = isMoving ? frames[frame % frames.length] : undefined;
  return (
    <span className="thumbnail">
      {url && broken !== url ? <img src={url} alt="" decoding="async" loading="lazy" data-testid="thumbnail" onError={() => setBroken(url)} /> : <TestCard name={channelName} />}
      {tile && <span className="picture-frame"><StoryTile tile={tile} /></span>}
    </span>
  );
}

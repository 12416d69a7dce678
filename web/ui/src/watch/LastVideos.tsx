import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lastVodsQuery } from '../api/queries';
import { VodCard } from '../videos/VideoCard';
import '../home/home.css';
import '../videos/videos.css';

const COUNT = 4;

/** What there is to see while nothing is live. */
export function LastVideos({ name, displayName }: { name: string; displayName: string }) {
  const { data: vods = [] } = useQuery(lastVodsQuery(name, COUNT));
  if (vods.length === 0) return null; // an extra: nothing is missing without it
  return (
    <section className="last-videos" aria-labelledby="last-videos" data-testid="last-videos">
      <div className="last-videos-head">
        <h2 id="last-videos">Last streams of {displayName}</h2>
        <Link to="/$channel/videos" params={{ channel: name }}>All videos</Link>
      </div>
      <ul className="grid">{vods.map((vod) => <li key={vod.id}><VodCard vod={vod} /></li>)}</ul>
    </section>
  );
}

import { formatBitrate, formatSeconds, NOTHING } from '../format';
import { Icon } from '../ui/Icon';
import type { Stats } from './stats';
import type { Phase } from './state';

interface Props {
  stats: Stats | null;
  phase: Phase;
  firstFrameMs: number | null;
  onClose: () => void;
}

/** The player's figures, for viewers who wonder and for whoever helps them. */
export function StatsPanel({ stats, phase, firstFrameMs, onClose }: Props) {
  const rows: [string, string][] = stats
    ? [
        ['Latency', `${formatSeconds(stats.latencyS, 2)} (aim ${formatSeconds(stats.aimS, 2)})`],
        ['Buffer', `${formatSeconds(stats.bufferS, 2)} at ×${stats.rate.toFixed(2)}`],
        ['Picture', stats.width ? `${stats.width} × ${stats.height}` : NOTHING],
        ['Quality', stats.quality ? `${stats.quality}${stats.isAuto ? ', automatic' : ''}` : NOTHING],
        ['Bitrate', formatBitrate(stats.bitrateBps)],
        ['Your line', formatBitrate(stats.bandwidthBps)],
        ['Codecs', stats.codecs || NOTHING],
        ['Dropped frames', `${stats.droppedFrames} of ${stats.totalFrames}`],
        ['Stalls', String(stats.stalls)],
        ['Part / segment', `${formatSeconds(stats.partTargetS, 3)} / ${formatSeconds(stats.targetDurationS, 0)}`],
        ['First picture', firstFrameMs === null ? NOTHING : `${firstFrameMs} ms`],
        ['Engine', `${stats.engine} · ${phase}`],
      ]
    : [];
  return (
    <div className="player-panel stats" data-testid="stats" role="region" aria-label="Statistics">
      <button type="button" className="icon-button" aria-label="Close statistics" onClick={onClose}><Icon name="close" size={16} /></button>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
    </div>
  );
}

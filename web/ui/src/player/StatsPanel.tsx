import { formatBitrate, formatSeconds, NOTHING } from '../format';
import { Icon } from '../ui/Icon';
import type { Stats, WebrtcStats } from './stats';
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
        ...(stats.webrtc ? webrtcRows(stats, stats.webrtc) : hlsRows(stats)),
        ['Picture', stats.width ? `${stats.width} × ${stats.height}` : NOTHING],
        ['Quality', stats.quality ? `${stats.quality}${stats.isAuto && !stats.webrtc ? ', automatic' : ''}` : NOTHING],
        ['Bitrate', formatBitrate(stats.bitrateBps)],
        ['Codecs', stats.codecs || NOTHING],
        ['Dropped frames', `${stats.droppedFrames} of ${stats.totalFrames}`],
        ['Stalls', String(stats.stalls)],
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

function hlsRows({ latencyS, aimS, bufferS, rate, bandwidthBps, partTargetS, targetDurationS }: Stats): [string, string][] {
  return [
    ['Latency', `${formatSeconds(latencyS, 2)} (aim ${formatSeconds(aimS, 2)})`],
    ['Buffer', `${formatSeconds(bufferS, 2)} at ×${rate.toFixed(2)}`],
    ['Your line', formatBitrate(bandwidthBps)],
    ['Part / segment', `${formatSeconds(partTargetS, 3)} / ${formatSeconds(targetDurationS, 0)}`],
  ];
}

function webrtcRows({ latencyS }: Stats, { rttMs, lossShare, jitterBufferMs }: WebrtcStats): [string, string][] {
  return [
    ['Latency', `${formatSeconds(latencyS, 2)} (lowest)`],
    ['Jitter buffer', formatMs(jitterBufferMs)],
    ['Round trip', formatMs(rttMs)],
    ['Lost packets', `${(lossShare * 100).toFixed(1)} %`],
  ];
}

const formatMs = (ms: number | null): string => (ms === null ? NOTHING : `${Math.round(ms)} ms`);

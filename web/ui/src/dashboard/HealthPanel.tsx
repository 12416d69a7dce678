import { useEffect, useState } from 'react';
import type { SessionHealth } from '../api/types';
import { formatBitrate, formatBytes, formatCodec, formatDuration, formatSeconds, NOTHING } from '../format';
import { useNow } from '../ui/useNow';
import { adviceFor } from './advice';
import { AdviceList } from './AdviceList';
import { Ladder } from './Ladder';
import { Plot } from './Plot';
import { Publishers } from './Publishers';
import { MAX_SAMPLES, sampleOf, steps, type Sample } from './samples';

/** The looks of the last two minutes at one session; another session starts anew. */
function useSamples(health: SessionHealth): Sample[] {
  const [kept, setKept] = useState<{ sessionId: string; samples: Sample[] }>({ sessionId: health.sessionId, samples: [] });
  useEffect(() => {
    setKept(({ sessionId, samples }) => ({
      sessionId: health.sessionId,
      samples: [...(sessionId === health.sessionId ? samples : []), sampleOf(health, Date.now())].slice(-MAX_SAMPLES),
    }));
  }, [health]);
  return kept.samples;
}

const fps = (rate: number): string => `${rate.toFixed(rate % 1 < 0.05 || rate % 1 > 0.95 ? 0 : 1)} fps`;

/** How the running stream arrives, and what to change. */
export function HealthPanel({ health }: { health: SessionHealth }) {
  const samples = useSamples(health);
  const { video, audio, interruptions } = health;
  const rows: [string, string][] = [
    ['Resolution', video?.width ? `${video.width} × ${video.height}` : NOTHING],
    ['Keyframe interval', formatSeconds(video?.keyframeIntervalS)],
    ['Video', video ? `${formatCodec(video.codec)} (${video.codec})` : 'none'],
    ['Audio', audio ? audioText(audio.codec, audio.sampleRate, audio.channels) : 'none'],
    ['Interruptions', interruptions.toLocaleString('en')],
    ['Discontinuities', health.discontinuities.toLocaleString('en')],
    ['Duration', formatDuration(health.durationMs)],
    ['Received', formatBytes(health.receivedBytes)],
  ];
  const plots = [
    { name: 'Bitrate', values: samples.map(({ bitrateBps }) => bitrateBps), least: 1_000_000, format: formatRate, testid: 'bitrate' },
    { name: 'Frame rate', values: samples.map(({ frameRate }) => frameRate), least: 50, format: fps },
    { name: 'Jitter', values: samples.map(({ jitterMs }) => jitterMs), least: 100, format: (ms: number) => `${Math.round(ms)} ms` },
    ...(samples.at(-1)?.rttMs == null ? [] : [
      { name: 'Round trip', values: samples.map(({ rttMs }) => rttMs ?? 0), least: 100, format: (ms: number) => `${Math.round(ms)} ms` },
      { name: 'Lost on the way', values: steps(samples, 'lostPackets'), least: 10, format: (count: number) => count.toLocaleString('en') },
    ]),
    { name: 'Dropped packets', values: steps(samples, 'droppedPackets'), least: 10, format: (count: number) => count.toLocaleString('en') },
  ];
  return (
    <section className="panel" aria-labelledby="health" data-testid="health" data-waiting={health.isWaiting}>
      <h2 id="health">Stream health</h2>
      {health.isWaiting && <Waiting untilMs={health.returnsUntilMs} />}
      <AdviceList advice={adviceFor(health, samples)} good="Everything arrives as it should." />
      <div className="plots">
        {plots.map((plot) => <Plot key={plot.name} {...plot} slots={MAX_SAMPLES} since="2 min" />)}
      </div>
      <dl className="facts">
        {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      {health.publishers.length > 0 && <Publishers publishers={health.publishers} />}
      <Ladder health={health} />
    </section>
  );
}

const formatRate = (bps: number): string => (bps === 0 ? '0 kb/s' : formatBitrate(bps));

/** How long the session is kept for a publisher that is gone. */
function Waiting({ untilMs }: { untilMs: number | null }) {
  const now = useNow(1000);
  const leftMs = untilMs === null ? null : Math.max(0, untilMs - now);
  return (
    <p className="waiting" role="status" data-testid="waiting">
      <span className="waiting-ring" aria-hidden="true" />
      <span>Waiting for your encoder</span>
      {leftMs !== null && <b aria-hidden="true">{leftMs > 0 ? `${formatDuration(leftMs)} left` : 'ending …'}</b>}
    </p>
  );
}

function audioText(codec: string, sampleRate: number | null, channels: number | null): string {
  const layout = channels === 1 ? 'mono' : channels === 2 ? 'stereo' : channels ? `${channels} channels` : '';
  return [formatCodec(codec), sampleRate ? `${sampleRate / 1000} kHz` : '', layout].filter(Boolean).join(' ');
}

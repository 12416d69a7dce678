import { useEffect, useState } from 'react';
import type { SessionHealth } from '../api/types';
import { formatBitrate, formatBytes, formatCodec, formatDuration, formatEncoder, formatSeconds, NOTHING } from '../format';
import { Icon } from '../ui/Icon';
import { adviceFor, bitrateOf, MAX_SAMPLES, sampleOf, type Sample } from './advice';
import { Sparkline } from './Sparkline';

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

/** How the running stream arrives, and what to change. */
export function HealthPanel({ health }: { health: SessionHealth }) {
  const samples = useSamples(health);
  const advice = adviceFor(health, samples);
  const { video, audio } = health;
  const rows: [string, string][] = [
    ['Frame rate', video?.frameRate ? `${video.frameRate.toFixed(video.frameRate % 1 < 0.05 ? 0 : 2)} fps` : NOTHING],
    ['Keyframe interval', formatSeconds(video?.keyframeIntervalS)],
    ['Resolution', video?.width ? `${video.width} × ${video.height}` : NOTHING],
    ['Video', video ? `${formatCodec(video.codec)} (${video.codec})` : 'none'],
    ['Audio', audio ? audioText(audio.codec, audio.sampleRate, audio.channels) : 'none'],
    ['Dropped packets', health.droppedPackets.toLocaleString('en')],
    ['Discontinuities', health.discontinuities.toLocaleString('en')],
    ['Duration', formatDuration(health.durationMs)],
    ['Received', formatBytes(health.receivedBytes)],
    ['Encoder', `${formatEncoder(health.encoder)} · ${health.protocol.toUpperCase()}`],
  ];
  return (
    <section className="panel" aria-labelledby="health" data-testid="health">
      <h2 id="health">Stream health</h2>
      <div className="health-top">
        <div className="health-rate">
          <span className="health-figure" data-testid="bitrate">{formatBitrate(bitrateOf(health))}</span>
          <span className="muted">arriving now</span>
        </div>
        <Sparkline values={samples.map((sample) => sample.bitrateBps)} slots={MAX_SAMPLES} label="Bitrate over the last two minutes" />
      </div>
      <ul className="advice" aria-label="Advice">
        {advice.length === 0 && <li data-level="good"><Icon name="check" /> Everything arrives as it should.</li>}
        {advice.map(({ level, text }) => <li key={text} data-level={level}><Icon name={level === 'bad' ? 'alert' : 'warning'} /> {text}</li>)}
      </ul>
      <dl className="facts">
        {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </section>
  );
}

function audioText(codec: string, sampleRate?: number | null, channels?: number | null): string {
  const layout = channels === 1 ? 'mono' : channels === 2 ? 'stereo' : channels ? `${channels} channels` : '';
  return [formatCodec(codec), sampleRate ? `${sampleRate / 1000} kHz` : '', layout].filter(Boolean).join(' ');
}

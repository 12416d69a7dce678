import type { SessionHealth } from '../api/types';
import { formatBitrate, formatBytes, formatDuration } from '../format';
import { CopyField } from '../ui/CopyField';
import { adviceFor } from './advice';
import { AdviceList } from './AdviceList';
import { bitrateOf } from './samples';

const PARAMETER = '?bandwidthtest=true';

/** Publish without going live: how to, and what the last test found. */
export function BandwidthTest({ test, server }: { test: SessionHealth | null; server: string | null }) {
  return (
    <section className="panel" aria-labelledby="test" data-testid="bandwidth-test">
      <h2 id="test">Bandwidth test</h2>
      <p className="muted">Measures your upload for up to a minute. Nothing goes on the air.</p>
      <CopyField label="Add this to the stream key" value={PARAMETER} hint={server ? `So that OBS sends to ${server}/KEY${PARAMETER}` : undefined} />
      {test && <Result test={test} />}
    </section>
  );
}

function Result({ test }: { test: SessionHealth }) {
  const seconds = test.durationMs / 1000;
  const average = seconds > 0 ? (test.receivedBytes * 8) / seconds : bitrateOf(test);
  const isRunning = test.publishers.length > 0;
  return (
    <div className="test-result" role="status">
      <p>
        <b>{isRunning ? 'Measuring …' : 'Last test:'}</b> {formatBitrate(average)} on average, {formatBytes(test.receivedBytes)} in {formatDuration(test.durationMs)}
      </p>
      {!isRunning && (
        <AdviceList advice={adviceFor(test, [])} good="All of it arrived as it should. Raise the bitrate and test again to find what your line can take; then set four fifths of that." />
      )}
    </div>
  );
}

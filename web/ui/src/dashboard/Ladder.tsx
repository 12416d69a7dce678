import type { RungHealth, SessionHealth, TranscoderHealth } from '../api/types';
import { formatBitrate, formatBytes } from '../format';

const STATES: Record<RungHealth['state'], string> = {
  starting: 'Starting',
  running: 'Running',
  lost: 'Away, coming back',
  shed: 'Given up',
  refused: 'Not made',
};

/** What viewers can choose from: the source as it arrives, and the rungs that are made of it. */
export function Ladder({ health }: { health: SessionHealth }) {
  const { rungs, video, transcoder } = health;
  return (
    <div className="health-part" data-testid="ladder">
      <h3 id="ladder">Ladder</h3>
      {rungs.length === 0 ? (
        <p className="muted">Viewers get the source as it arrives; no other renditions are made.</p>
      ) : (
        <table className="ladder" aria-labelledby="ladder">
          <thead>
            <tr><th scope="col">Rendition</th><th scope="col">State</th><th scope="col">Bitrate</th><th scope="col">Dropped</th><th scope="col">Behind</th></tr>
          </thead>
          <tbody>
            {video && (
              <tr>
                <th scope="row">Source{video.height ? ` ${Math.min(video.width ?? 0, video.height)}p` : ''} <Size width={video.width} height={video.height} /></th>
                <td data-state="running">Passed through</td>
                <td data-label="Bitrate">{formatBitrate(video.bitrateBps)}</td>
                <td data-label="Dropped">{health.droppedPackets.toLocaleString('en')}</td>
                <td data-label="Behind">0 ms</td>
              </tr>
            )}
            {rungs.map((rung) => <Rung key={rung.name} rung={rung} />)}
          </tbody>
        </table>
      )}
      {transcoder && <TranscoderLine transcoder={transcoder} />}
    </div>
  );
}

function Rung({ rung }: { rung: RungHealth }) {
  const isMade = rung.state === 'running' || rung.state === 'starting';
  return (
    <tr data-testid="rung" data-made={isMade}>
      <th scope="row">{rung.name} <Size width={rung.width} height={rung.height} /></th>
      <td data-state={rung.state}>
        {STATES[rung.state]}
        {rung.reason && <span className="rung-reason">{rung.reason}</span>}
      </td>
      <td data-label="Bitrate">{isMade ? `${formatBitrate(rung.bitrateBps)} of ${formatBitrate(rung.targetBps)}` : '–'}</td>
      <td data-label="Dropped">{rung.droppedFrames.toLocaleString('en')}</td>
      <td data-label="Behind">{isMade ? `${rung.lagMs} ms` : '–'}</td>
    </tr>
  );
}

function Size({ width, height }: { width: number | null; height: number | null }) {
  return width && height ? <span className="muted">{width} × {height}</span> : null;
}

function TranscoderLine({ transcoder }: { transcoder: TranscoderHealth }) {
  const { encoder, cores, memoryBytes, restarts, droppedPackets } = transcoder;
  return (
    <p className="transcoder muted" data-testid="transcoder">
      Made by {encoder} with {cores.toFixed(1)} {cores.toFixed(1) === '1.0' ? 'core' : 'cores'} and {formatBytes(memoryBytes)} of memory
      {restarts > 0 && <>, started again {restarts === 1 ? 'once' : `${restarts} times`}</>}
      {droppedPackets > 0 && <>, {droppedPackets.toLocaleString('en')} packets skipped</>}.
    </p>
  );
}

import type { JobState } from '../api/types';
import { formatAgo, formatBitrate, formatBytes, formatDate } from '../format';
import { useNow } from '../ui/useNow';

const WORDS: Record<JobState['state'], string> = { idle: 'Waits', connecting: 'Connecting …', running: 'Running', waiting: 'Interrupted' };

interface Props {
  state: JobState;
  isEnabled: boolean;
  /** What it waits for while it is on and has nothing to do. */
  idle: string;
  /** Of the bytes: "received" or "sent". */
  moved: string;
}

/** How a pull or a restream is, since when, and why not. */
export function JobLine({ state: job, isEnabled, idle, moved }: Props) {
  const now = useNow(1000, job.state !== 'idle');
  const leftS = job.retryAt ? Math.ceil((new Date(job.retryAt).getTime() - now) / 1000) : 0;
  const facts = [
    job.state === 'running' && formatBitrate(job.bitrateBps),
    job.state === 'running' && job.sentBytes > 0 && `${formatBytes(job.sentBytes)} ${moved}`,
    job.state === 'running' && job.since && `since ${formatAgo(job.since, now)}`,
  ].filter(Boolean);
  const isOff = !isEnabled && job.state === 'idle';
  return (
    <div className="job" data-testid="job" data-state={isOff ? 'off' : job.state}>
      <span className="job-lamp" aria-hidden="true" />
      <span className="job-words">
        <b title={job.since ? formatDate(job.since) : undefined}>{isOff ? 'Off' : job.state === 'idle' ? idle : WORDS[job.state]}</b>
        {facts.length > 0 && <span className="muted">{facts.join(', ').replace('since just now', 'since a moment ago')}</span>}
        {job.reason && <span className="job-reason">{job.reason}</span>}
        {job.state === 'waiting' && leftS > 0 && <span className="muted" aria-hidden="true">Next try in {leftS} s{job.failures > 1 && `, after ${job.failures} failures`}</span>}
      </span>
    </div>
  );
}

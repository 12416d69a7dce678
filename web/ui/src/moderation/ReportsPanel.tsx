import { useInfiniteQuery } from '@tanstack/react-query';
import { moderation, reportsQuery } from '../api/moderation';
import type { Report } from '../api/types';
import { ChatLine } from '../chat/ChatLine';
import { formatAgo, formatDate } from '../format';
import { useNow } from '../ui/useNow';
import { spell } from './durations';
import { More, Part } from './Part';
import { useAct } from './useAct';

const TIMEOUT_S = 600;

interface Props {
  channelId: string;
  onPerson: (userId: string) => void;
}

/** What people reported, those that nobody has looked at first. */
export function ReportsPanel({ channelId, onPerson }: Props) {
  const query = useInfiniteQuery(reportsQuery(channelId));
  const act = useAct(channelId);
  const settle = (report: Report, outcome: 'acted' | 'dismissed', deed?: () => Promise<unknown>) =>
    act.mutate({ run: async () => (await deed?.(), moderation.decideReport(channelId, report.id, outcome)) });
  return (
    <Part id="reports" title="Reports" query={query}>
      {({ pages }) => {
        const reports = pages.flatMap(({ items }) => items);
        const sorted = [...reports.filter(({ outcome }) => outcome === null), ...reports.filter(({ outcome }) => outcome !== null)];
        return (
          <>
            {reports.length === 0 && <p className="muted">Nobody has reported anything.</p>}
            <ul className="rows">
              {sorted.map((report) => <Row key={report.id} channelId={channelId} report={report} isBusy={act.isPending} onPerson={onPerson} onSettle={settle} />)}
            </ul>
            <More query={query} />
          </>
        );
      }}
    </Part>
  );
}

interface RowProps extends Props {
  report: Report;
  isBusy: boolean;
  onSettle: (report: Report, outcome: 'acted' | 'dismissed', deed?: () => Promise<unknown>) => void;
}

function Row({ channelId, report, isBusy, onPerson, onSettle }: RowProps) {
  const now = useNow(60_000);
  const { reporterName, userId, displayName, message, reason, createdAt, outcome, decidedBy } = report;
  const act = (deed: () => Promise<unknown>) => onSettle(report, 'acted', deed);
  return (
    <li className="held" data-testid="report" data-outcome={outcome ?? 'open'}>
      <p className="held-head">
        <button type="button" className="name-button" onClick={() => onPerson(userId)}>{displayName}</button>
        <span className="muted" title={formatDate(createdAt)}>reported by {reporterName} {formatAgo(createdAt, now)}</span>
      </p>
      <p className="held-words">{reason}</p>
      {message && <div className="quoted"><ChatLine message={message} /></div>}
      {outcome !== null ? <p className="muted">{outcome === 'acted' ? 'Acted on' : 'Dismissed'}{decidedBy && ` by ${decidedBy}`}</p> : (
        <div className="held-actions">
          {message && <button type="button" className="button" disabled={isBusy} onClick={() => act(() => moderation.deleteMessage(channelId, message.id))}>Delete message</button>}
          <button type="button" className="button" disabled={isBusy} onClick={() => act(() => moderation.timeout(channelId, userId, TIMEOUT_S, reason))}>Time out {spell(TIMEOUT_S)}</button>
          <button type="button" className="button danger" disabled={isBusy} onClick={() => act(() => moderation.ban(channelId, userId, reason))}>Ban</button>
          <button type="button" className="button quiet" disabled={isBusy} onClick={() => onSettle(report, 'dismissed')}>Dismiss</button>
        </div>
      )}
    </li>
  );
}

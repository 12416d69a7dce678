import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { chatApi } from '../api/chat';
import { messageOf } from '../api/errors';
import { useToasts } from '../stores/toasts';
import { Dialog } from '../ui/Dialog';

const REASONS = ['Spam or advertising', 'Harassment or hate', 'Threats or violence', 'Sexual content', 'Spoilers', 'Something else'];

export interface Reported {
  userId: string;
  displayName: string;
  messageId?: string;
}

/** Tell the channel's moderators that something is not right. */
export function ReportDialog({ channelId, reported, onClose }: { channelId: string; reported: Reported; onClose: () => void }) {
  const [reason, setReason] = useState(REASONS[0]!);
  const [more, setMore] = useState('');
  const field = useId();
  const show = useToasts((toasts) => toasts.show);
  const report = useMutation({
    mutationFn: () => chatApi.report(channelId, reported.userId, more.trim() ? `${reason}: ${more.trim()}` : reason, reported.messageId),
    onSuccess: () => (show('The moderators will look at it. Thank you.'), onClose()),
  });
  return (
    <Dialog title={`Report ${reported.displayName}`} onClose={onClose}>
      <form className="report" onSubmit={(event) => (event.preventDefault(), report.mutate())}>
        <fieldset>
          <legend className="muted">What is wrong?</legend>
          {REASONS.map((one) => <label key={one} className="check"><input type="radio" name="reason" checked={reason === one} onChange={() => setReason(one)} /> {one}</label>)}
        </fieldset>
        <div className="field">
          <label htmlFor={field}>More (may stay empty)</label>
          <div className="input-wrap"><input id={field} value={more} maxLength={300} onChange={(event) => setMore(event.target.value)} /></div>
        </div>
        {report.error && <p className="error-text" role="alert">{messageOf(report.error)}</p>}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="button primary" disabled={report.isPending}>Report</button>
        </div>
      </form>
    </Dialog>
  );
}

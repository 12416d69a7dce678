import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { api, type Shareable } from '../api/client';
import { messageOf } from '../api/errors';
import { formatDate } from '../format';
import { CopyField } from '../ui/CopyField';
import { Dialog } from '../ui/Dialog';

const HOUR_S = 3600;
const EXPIRIES: [string, number][] = [['1 hour', HOUR_S], ['1 day', 24 * HOUR_S], ['7 days', 7 * 24 * HOUR_S], ['30 days', 30 * 24 * HOUR_S], ['1 year', 365 * 24 * HOUR_S]];
const USUAL_S = 7 * 24 * HOUR_S;

interface Props {
  what: Shareable;
  id: string;
  /** What it is called: "this video". */
  subject: string;
  onClose: () => void;
}

/** A signed link to what is not public: whoever has it may watch, for as long as its maker says. */
export function ShareDialog({ what, id, subject, onClose }: Props) {
  const select = useId();
  const [expiresInS, setExpires] = useState(USUAL_S);
  const share = useMutation({ mutationFn: () => api.share(what, id, expiresInS) });
  return (
    <Dialog title="Share by link" onClose={onClose}>
      <p className="muted">Whoever has the link can watch {subject}, without an account, until it runs out.</p>
      <div className="field">
        <label htmlFor={select}>It works for</label>
        <select id={select} value={expiresInS} onChange={(event) => (setExpires(Number(event.target.value)), share.reset())}>
          {EXPIRIES.map(([label, seconds]) => <option key={seconds} value={seconds}>{label}</option>)}
        </select>
      </div>
      {share.error && <p className="error-text" role="alert">{messageOf(share.error)}</p>}
      {share.data && (
        <>
          <CopyField label="Link" value={new URL(share.data.pageUrl, window.location.href).href} hint={`Works until ${formatDate(share.data.expiresAt)}`} />
          <CopyField label="Address for players" value={new URL(share.data.playlistUrl, window.location.href).href} hint="For VLC and other players that take HLS" />
        </>
      )}
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>{share.data ? 'Done' : 'Cancel'}</button>
        {!share.data && <button type="button" className="button primary" disabled={share.isPending} onClick={() => share.mutate()}>{share.isPending ? 'Making …' : 'Make the link'}</button>}
      </div>
    </Dialog>
  );
}

import { useState } from 'react';
import type { StreamKeyInfo } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { CopyField } from '../ui/CopyField';
import { Confirm } from '../ui/Dialog';
import { Icon } from '../ui/Icon';

interface Props {
  info: StreamKeyInfo;
  isLive: boolean;
  /** The key that was made just now: the only time that it can be shown. */
  fresh: string | undefined;
  isBusy: boolean;
  onRotate: () => void;
}

/** What is known of the key, and a new one. */
export function KeyBox({ info, isLive, fresh, isBusy, onRotate }: Props) {
  const [isAsking, setAsking] = useState(false);
  const hasKey = info.lastFour !== null;
  const action = hasKey ? 'Rotate and show' : 'Make a key';
  const rotate = () => {
    setAsking(false);
    onRotate();
  };
  return (
    <div className="keybox" data-testid="keybox">
      {fresh ? (
        <>
          <CopyField label="Stream key" value={fresh} isSecret />
          <p className="note"><Icon name="warning" size={18} /> Copy it now. It is shown this once and cannot be shown again.</p>
        </>
      ) : (
        <div className="field">
          <span className="label">Stream key</span>
          {hasKey && (
            <p className="key-masked">
              <span aria-hidden="true">••••••••••••</span><span className="visually-hidden">ends with </span><b>{info.lastFour}</b>
              {info.createdAt && <span className="muted" title={formatDate(info.createdAt)}> made {formatAgo(info.createdAt, Date.now())}</span>}
            </p>
          )}
          <p className="hint">
            {hasKey
              ? 'Keys are stored so that nobody can read them back, not even you. Lost it? Make a new one.'
              : 'Whoever has the key can stream to this channel. It is shown once, when it is made.'}
          </p>
        </div>
      )}
      <button type="button" className={hasKey ? 'button' : 'button primary'} data-testid="rotate-key" disabled={isBusy} onClick={() => (hasKey ? setAsking(true) : onRotate())}><Icon name="key" size={18} /> {action}</button>
      {isAsking && (
        <Confirm title="Make a new key?" isBusy={isBusy} isDangerous={isLive} action={action}
          text={isLive ? 'The old key stops working at once, and the stream that runs now is cut.' : 'The old key stops working at once. Put the new one into your encoder.'}
          onConfirm={rotate} onClose={() => setAsking(false)} />
      )}
    </div>
  );
}

import { useState } from 'react';
import type { Shareable } from '../api/client';
import type { Visibility } from '../api/types';
import { useToasts } from '../stores/toasts';
import { copyText } from '../ui/copy';
import { Icon } from '../ui/Icon';
import { ShareDialog } from './ShareDialog';

interface Props {
  what: Shareable;
  id: string;
  subject: string;
  visibility: Visibility;
  isMine: boolean;
  path: string;
}

/** Copies the address; an owner of what is not public makes a link that opens it. */
export function ShareButton({ what, id, subject, visibility, isMine, path }: Props) {
  const [isOpen, setOpen] = useState(false);
  const show = useToasts((toasts) => toasts.show);
  const share = async () => {
    if (isMine && visibility !== 'public') return setOpen(true);
    const isDone = await copyText(`${window.location.origin}${path}`);
    show(isDone ? 'Link copied' : 'The browser does not allow copying. Take the link from the address bar.', isDone ? 'done' : 'failed');
  };
  return (
    <>
      <button type="button" className="button" onClick={() => void share()} data-testid="share"><Icon name="share" size={18} /> Share</button>
      {isOpen && <ShareDialog what={what} id={id} subject={subject} onClose={() => setOpen(false)} />}
    </>
  );
}

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import type { PatchVod, Vod } from '../api/types';
import { formatAgo, formatBytes, formatDate, formatDuration } from '../format';
import { useToasts } from '../stores/toasts';
import { Icon } from '../ui/Icon';
import { useNow } from '../ui/useNow';
import { AudienceSelect } from '../videos/EditDialog';
import { OwnerButtons } from '../videos/OwnerButtons';
import { Picture } from '../videos/Picture';
import { ShareDialog } from '../videos/ShareDialog';
import '../videos/facts.css';

const NOW_EVERY_MS = 60_000;

/** One recording as its owner sees it: what it takes, who may watch it, when it goes. */
export function VodRow({ vod }: { vod: Vod }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const now = useNow(NOW_EVERY_MS);
  const [isSharing, setSharing] = useState(false);
  const { id, title, channelName, thumbnailUrl, durationMs, startedAt, sizeBytes, state, deletesAt, visibility } = vod;
  const again = () => client.invalidateQueries({ predicate: ({ queryKey }) => ['vod', 'vods'].includes(String(queryKey[0])) });
  const save = useMutation({
    mutationFn: (change: PatchVod) => api.patchVod(id, change),
    onSuccess: () => (show('Saved'), again()),
    onError: (error) => show(messageOf(error), 'failed'),
  });
  return (
    <li className="vod-row" data-testid="vod-row">
      <Link to="/videos/$id" params={{ id }} className="vod-picture" tabIndex={-1} aria-hidden="true">
        <Picture url={thumbnailUrl} channelName={channelName} />
        <span className="card-uptime">{formatDuration(durationMs)}</span>
      </Link>
      <div className="vod-words">
        <Link to="/videos/$id" params={{ id }} className="vod-title">{title || 'Untitled'}</Link>
        <p className="vod-facts">
          <span title={formatDate(startedAt)}>{formatAgo(startedAt, now)}</span>
          <span>{formatBytes(sizeBytes)}</span>
          {state === 'recording' && <span className="vod-recording">Being recorded</span>}
          {deletesAt && <span title={formatDate(deletesAt)}>deleted {formatAgo(deletesAt, now)}</span>}
        </p>
      </div>
      <div className="vod-actions">
        <span className="picker"><AudienceSelect label={`Who may watch ${title || 'this video'}`} value={save.isPending ? (save.variables.visibility ?? visibility) : visibility} isDisabled={save.isPending} onChange={(value) => save.mutate({ visibility: value })} /></span>
        {visibility !== 'public' && (
          <button type="button" className="icon-button" aria-label="Share by link" title="Share by link" data-testid="share" onClick={() => setSharing(true)}><Icon name="share" /></button>
        )}
        <OwnerButtons video={vod} subject="video" question="Delete this video?"
          warning={`“${title || 'Untitled'}” is gone for good, for everybody. Clips that were made of it stay.`}
          onSave={async (change) => (await api.patchVod(id, change), again())}
          onDelete={async () => (await api.deleteVod(id), again())} />
      </div>
      {isSharing && <ShareDialog what="vods" id={id} subject="this video" onClose={() => setSharing(false)} />}
    </li>
  );
}

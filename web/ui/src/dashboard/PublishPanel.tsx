import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import { streamKeyQuery } from '../api/queries';
import type { PublishUrls, SessionHealth, StreamKeyInfo } from '../api/types';
import { formatAgo, formatDate } from '../format';
import { useToasts } from '../stores/toasts';
import { CopyField } from '../ui/CopyField';
import { Confirm } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { BandwidthTest } from './BandwidthTest';

/** Where to send the stream, with which key, and how to tell OBS. */
export function PublishPanel({ channelId, isLive, test }: { channelId: string; isLive: boolean; test: SessionHealth | null }) {
  const info = useQuery(streamKeyQuery(channelId));
  if (info.error && !info.data) {
    return (
      <section className="panel" role="alert">
        <h2>Go live</h2>
        <p className="muted">{messageOf(info.error)}</p>
        <button type="button" className="button" onClick={() => void info.refetch()}>Try again</button>
      </section>
    );
  }
  if (!info.data) return <section className="panel skeleton panel-skeleton" aria-busy="true" aria-label="Loading" />;
  return (
    <>
      <section className="panel" aria-labelledby="go-live">
        <h2 id="go-live">Go live</h2>
        <Addresses publish={info.data.publish} />
        <KeyBox channelId={channelId} info={info.data} isLive={isLive} />
      </section>
      <section className="panel" aria-labelledby="obs">
        <h2 id="obs">In OBS</h2>
        <ObsSteps publish={info.data.publish} />
      </section>
      <BandwidthTest test={test} server={info.data.publish.rtmps ?? info.data.publish.rtmp} />
      <BackupEncoder />
    </>
  );
}

function Addresses({ publish }: { publish: PublishUrls }) {
  const { rtmp, rtmps, srt, whip } = publish;
  const others = [srt && ['SRT address', srt], whip && ['WHIP address', whip]].filter((row): row is [string, string] => Boolean(row));
  if (!rtmp && !rtmps && others.length === 0) return <p className="muted">This server takes no streams: all its listeners are turned off.</p>;
  return (
    <>
      {rtmps && <CopyField label="Server (encrypted)" value={rtmps} />}
      {rtmp && <CopyField label="Server" value={rtmp} hint={rtmps ? undefined : 'RTMP. Put the stream key into its own field.'} />}
      {others.length > 0 && (
        <details className="more">
          <summary>Other ways to publish</summary>
          {others.map(([label, value]) => <CopyField key={label} label={label} value={value} />)}
        </details>
      )}
    </>
  );
}

function KeyBox({ channelId, info, isLive }: { channelId: string; info: StreamKeyInfo; isLive: boolean }) {
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const [isAsking, setAsking] = useState(false);
  const rotate = useMutation({
    mutationFn: () => api.rotateStreamKey(channelId),
    onSuccess: () => void client.invalidateQueries({ queryKey: streamKeyQuery(channelId).queryKey }),
    onError: (error) => show(messageOf(error), 'failed'),
    onSettled: () => setAsking(false),
  });
  const fresh = rotate.data?.streamKey;
  const hasKey = info.lastFour !== null;
  const action = hasKey ? 'Rotate and show' : 'Make a key';
  const start = () => (hasKey ? setAsking(true) : rotate.mutate());
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
      <button type="button" className={hasKey ? 'button' : 'button primary'} data-testid="rotate-key" disabled={rotate.isPending} onClick={start}><Icon name="key" size={18} /> {action}</button>
      {isAsking && (
        <Confirm title="Make a new key?" isBusy={rotate.isPending} isDangerous={isLive} action={action}
          text={isLive ? 'The old key stops working at once, and the stream that runs now is cut.' : 'The old key stops working at once. Put the new one into your encoder.'}
          onConfirm={() => rotate.mutate()} onClose={() => setAsking(false)} />
      )}
    </div>
  );
}

function ObsSteps({ publish }: { publish: PublishUrls }) {
  const server = publish.rtmps ?? publish.rtmp;
  if (!server) return <p className="muted">OBS needs the RTMP listener, which is turned off on this server.</p>;
  return (
    <ol className="steps">
      <li>Open <b>Settings → Stream</b> and choose the service <b>Custom …</b></li>
      <li>Server: <code>{server}</code></li>
      <li>Stream Key: your key. Leave <b>Use authentication</b> off.</li>
      <li>In <b>Output → Streaming</b>: encoder <b>H.264</b>, rate control <b>CBR</b>, 2500 to 6000 kb/s, keyframe interval <b>2 s</b>.</li>
      <li>With x264 choose the tune <b>zerolatency</b>: your viewers are closer by a second.</li>
      <li>Press <b>Start Streaming</b>. This page shows the picture as soon as it plays.</li>
    </ol>
  );
}

/** What can be added to the stream key when two encoders publish to one channel. */
function BackupEncoder() {
  return (
    <section className="panel" aria-labelledby="backup" data-testid="backup">
      <h2 id="backup">Backup encoder</h2>
      <p className="muted">
        Two encoders can send to this channel with the same key. The one with the higher priority is on the air; the other stands by, and takes over
        at its next keyframe when the first is gone. Give both the same size, frame rate and codec.
      </p>
      <CopyField label="Behind the key of the main encoder" value="?priority=10" hint="A whole number from -100 to 100; without one it is 0." />
      <CopyField label="Behind the key of the backup" value="?priority=-10" />
      <p className="muted">To move a running stream to another computer, start there with this behind the key; the first one is cut.</p>
      <CopyField label="Behind the key of the one that takes over" value="?takeover=1" />
    </section>
  );
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client';
import { messageOf } from '../api/errors';
import { streamKeyQuery } from '../api/queries';
import type { OwnedChannel, PublishUrls, SessionHealth, StreamKeyInfo } from '../api/types';
import { useToasts } from '../stores/toasts';
import { CopyField } from '../ui/CopyField';
import { hostAndPort, KEY_WORD, srtAddress } from './addresses';
import { BandwidthTest } from './BandwidthTest';
import { KeyBox } from './KeyBox';
import { PassphraseField } from './PassphraseField';
import { Segments } from './Segments';

type Way = 'rtmp' | 'srt' | 'whip';

const WAYS: readonly (readonly [Way, string])[] = [['rtmp', 'RTMP'], ['srt', 'SRT'], ['whip', 'WHIP']];
const has = (way: Way, publish: PublishUrls): boolean => Boolean(way === 'rtmp' ? (publish.rtmps ?? publish.rtmp) : publish[way]);

/** Where to send the stream, with which key, and how to tell OBS. */
export function PublishPanel({ owned, isLive, test }: { owned: OwnedChannel; isLive: boolean; test: SessionHealth | null }) {
  const info = useQuery(streamKeyQuery(owned.id));
  if (info.error && !info.data) {
    return (
      <section className="panel" role="alert">
        <h2>Send from an encoder</h2>
        <p className="muted">{messageOf(info.error)}</p>
        <button type="button" className="button" onClick={() => void info.refetch()}>Try again</button>
      </section>
    );
  }
  if (!info.data) return <section className="panel skeleton panel-skeleton" aria-busy="true" aria-label="Loading" />;
  return <Ways owned={owned} info={info.data} isLive={isLive} test={test} />;
}

function Ways({ owned, info, isLive, test }: { owned: OwnedChannel; info: StreamKeyInfo; isLive: boolean; test: SessionHealth | null }) {
  const { id } = owned;
  const { publish } = info;
  const client = useQueryClient();
  const show = useToasts((toasts) => toasts.show);
  const rotate = useMutation({
    mutationFn: () => api.rotateStreamKey(id),
    onSuccess: () => void client.invalidateQueries({ queryKey: streamKeyQuery(id).queryKey }),
    onError: (error) => show(messageOf(error), 'failed'),
  });
  const ways = WAYS.filter(([way]) => has(way, publish));
  const [wanted, setWanted] = useState<Way>('rtmp');
  const way = ways.some(([one]) => one === wanted) ? wanted : ways[0]?.[0];
  const fresh = rotate.data?.streamKey;
  return (
    <>
      <section className="panel" aria-labelledby="encoder" data-testid="publish">
        <h2 id="encoder">Send from an encoder</h2>
        {ways.length > 1 && way && <Segments label="Protocol" value={way} choices={ways} onChoose={setWanted} />}
        {!way && <p className="muted">This server takes no streams: all its listeners are turned off.</p>}
        {way === 'rtmp' && <RtmpFields publish={publish} />}
        {way === 'srt' && publish.srt && <SrtFields channelId={id} base={publish.srt} fresh={fresh} passphrase={info.srtPassphrase} />}
        {way === 'whip' && publish.whip && <CopyField label="Server" value={publish.whip} hint="WHIP, over WebRTC. The bearer token is your stream key." />}
        <KeyBox info={info} isLive={isLive} fresh={fresh} isBusy={rotate.isPending} onRotate={() => rotate.mutate()} />
        {publish.whip && <p className="muted">No encoder at hand? <Link to="/dashboard/go-live" search={{ channel: owned.name }}>Go live from this browser</Link></p>}
      </section>
      {way && (
        <section className="panel" aria-labelledby="obs">
          <h2 id="obs">In OBS</h2>
          <ObsSteps way={way} publish={publish} />
        </section>
      )}
      <BandwidthTest test={test} server={publish.rtmps ?? publish.rtmp} />
      <BackupEncoder />
    </>
  );
}

function RtmpFields({ publish: { rtmp, rtmps } }: { publish: PublishUrls }) {
  return (
    <>
      {rtmps && <CopyField label="Server (encrypted)" value={rtmps} />}
      {rtmp && <CopyField label="Server" value={rtmp} hint={rtmps ? undefined : 'RTMP. Put the stream key into its own field.'} />}
    </>
  );
}

function SrtFields({ channelId, base, fresh, passphrase }: { channelId: string; base: string; fresh: string | undefined; passphrase: string | null }) {
  const key = fresh ?? KEY_WORD;
  const { host, port } = hostAndPort(base);
  const isSecret = Boolean(fresh || passphrase);
  return (
    <>
      <CopyField key={String(isSecret)} label="Server" value={srtAddress(base, { key, passphrase })} isSecret={isSecret}
        hint={fresh ? 'All in one: leave OBS’s field for the key empty.' : `All in one, with your key in the place of ${KEY_WORD}. Leave OBS’s field for the key empty.`} />
      <details className="more">
        <summary>Field by field, for other encoders</summary>
        <CopyField label="Host" value={host} />
        <CopyField label="Port" value={port} hint="Mode: caller" />
        <CopyField key={String(Boolean(fresh))} label="Stream id" value={key} isSecret={Boolean(fresh)} />
      </details>
      <PassphraseField channelId={channelId} passphrase={passphrase} />
    </>
  );
}

function ObsSteps({ way, publish }: { way: Way; publish: PublishUrls }) {
  return (
    <ol className="steps">
      {way === 'whip' ? (
        <>
          <li>Open <b>Settings → Stream</b> and choose the service <b>WHIP</b></li>
          <li>Server: <code>{publish.whip}</code></li>
          <li>Bearer Token: your key.</li>
          <li>In <b>Output → Streaming</b>: encoder <b>H.264</b>, rate control <b>CBR</b>, 2500 to 6000 kb/s, keyframe interval <b>1 s</b> or <b>2 s</b>, B-frames <b>0</b>.</li>
        </>
      ) : (
        <>
          <li>Open <b>Settings → Stream</b> and choose the service <b>Custom …</b></li>
          {way === 'srt' ? <li>Server: the whole address above, with your key in it. Leave <b>Stream Key</b> empty.</li> : (
            <>
              <li>Server: <code>{publish.rtmps ?? publish.rtmp}</code></li>
              <li>Stream Key: your key. Leave <b>Use authentication</b> off.</li>
            </>
          )}
          <li>In <b>Output → Streaming</b>: encoder <b>H.264</b>, rate control <b>CBR</b>, 2500 to 6000 kb/s, keyframe interval <b>2 s</b>.</li>
          {way === 'srt' && <li>From far away or over a poor line, add <code>&amp;latency=500000</code> (in µs): more time to repeat what is lost.</li>}
        </>
      )}
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

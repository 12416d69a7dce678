import { formatBitrate, NOTHING } from '../format';
import { Plot } from '../dashboard/Plot';
import { Icon } from '../ui/Icon';
import { hintsOf, MAX_LOOKS, type Figures } from './stats';
import { useStudio } from './studio';

const rate = (bps: number): string => (bps < 1000 ? '0 kb/s' : formatBitrate(bps));

/** How the stream leaves this browser. */
export function SendingPanel() {
  const looks = useStudio(({ looks }) => looks);
  const last = looks.at(-1);
  const facts: [string, string][] = [
    ['Picture', last?.width ? `${last.width} × ${last.height}` : NOTHING],
    ['Pictures per second', last?.frameRate == null ? NOTHING : String(Math.round(last.frameRate))],
    ['Round trip', last?.rttMs == null ? NOTHING : `${last.rttMs} ms`],
    ['Lost packets', last?.lost == null ? NOTHING : `${(last.lost * 100).toFixed(1)} %`],
  ];
  return (
    <section className="panel" aria-labelledby="sending" data-testid="sending">
      <h2 id="sending">What you send</h2>
      <Hints looks={looks} />
      <Plot name="Bitrate" values={looks.map(({ sentBps }) => sentBps)} slots={MAX_LOOKS} least={1_000_000} format={rate} since="2 min" testid="sent-bitrate" />
      <dl className="facts">
        {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </section>
  );
}

function Hints({ looks }: { looks: readonly Figures[] }) {
  const hints = hintsOf(looks);
  if (hints.length === 0) return null;
  return (
    <ul className="advice" aria-label="Advice">
      {hints.map(({ id, cause, fix }) => (
        <li key={id} data-level="warn" data-advice={id}><Icon name="warning" /><span><b>{cause}</b> {fix}</span></li>
      ))}
    </ul>
  );
}

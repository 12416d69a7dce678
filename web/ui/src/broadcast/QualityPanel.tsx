import { useId } from 'react';
import { formatBitrate } from '../format';
import { BITRATES_KBPS, FRAME_RATES, HEIGHTS, videoBps, type Quality } from './quality';
import { controls, useStudio } from './studio';

const RATE_WORDS: Record<Quality['frameRate'], string> = { 60: '60, for fast games', 30: '30', 15: '15, for text and slides' };

/** What to send; can be changed while on the air. */
export function QualityPanel() {
  const quality = useStudio(({ quality }) => quality);
  const change = (part: Partial<Quality>) => controls.setQuality({ ...quality, ...part });
  const fitting = videoBps({ ...quality, bitrateKbps: null });
  return (
    <section className="panel" aria-labelledby="quality">
      <h2 id="quality">Quality</h2>
      <div className="two">
        <Choice label="Resolution" value={quality.height} choices={HEIGHTS.map((height) => [height, `${height}p`])} onChoose={(height) => change({ height })} />
        <Choice label="Pictures per second" value={quality.frameRate} choices={FRAME_RATES.map((rate) => [rate, RATE_WORDS[rate]])} onChoose={(frameRate) => change({ frameRate })} />
      </div>
      <Choice label="Bitrate" value={quality.bitrateKbps ?? 0}
        choices={[[0, `Fitting: up to ${formatBitrate(fitting)}`], ...BITRATES_KBPS.map((kbps): [Quality['bitrateKbps'] & number, string] => [kbps, `Up to ${formatBitrate(kbps * 1000)}`])]}
        onChoose={(kbps) => change({ bitrateKbps: kbps === 0 ? null : kbps })} hint="A line that carries less gets less: the browser measures it all the time." />
    </section>
  );
}

interface Props<T extends number> {
  label: string;
  value: T;
  choices: (readonly [T, string])[];
  hint?: string;
  onChoose: (value: T) => void;
}

function Choice<T extends number>({ label, value, choices, hint, onChoose }: Props<T>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => onChoose(choices.find(([choice]) => String(choice) === event.target.value)![0])}>
        {choices.map(([choice, words]) => <option key={choice} value={choice}>{words}</option>)}
      </select>
      {hint && <p className="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

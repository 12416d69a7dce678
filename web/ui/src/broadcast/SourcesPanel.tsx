import { useId } from 'react';
import { controls, useStudio } from './studio';
import { useDevices, type DeviceChoice } from './devices';
import { LevelMeter } from './LevelMeter';

const microphoneLevel = () => controls.level('microphone');
const screenLevel = () => controls.level('screen');

/** Which camera, which microphone, and how loud they are. */
export function SourcesPanel() {
  const desk = useStudio(({ desk }) => desk);
  const devices = useDevices(desk.picture);
  const isOpening = desk.opening !== null;
  return (
    <section className="panel" aria-labelledby="sources">
      <h2 id="sources">Sources</h2>
      <DeviceSelect label="Camera" choices={devices.cameras} value={desk.cameraId} isDisabled={isOpening || desk.shows === 'screen'} onChoose={(id) => void controls.showCamera(id)}
        hint={desk.shows === 'screen' ? 'Viewers see your screen now.' : undefined} />
      <div className="broadcast-source">
        <DeviceSelect label="Microphone" choices={devices.microphones} value={desk.microphoneId} isDisabled={isOpening} onChoose={(id) => void controls.openMicrophone(id)} />
        {desk.hasMicrophone && <LevelMeter label="Microphone level" level={microphoneLevel} isMuted={desk.isMuted} />}
      </div>
      <label className="check">
        <input type="checkbox" checked={desk.isCleaned} disabled={isOpening} onChange={(event) => void controls.clean(event.target.checked)} />
        Take out echo and noise
      </label>
      <p className="hint">For voices. Turn it off for music; then wear headphones.</p>
      {desk.hasScreenSound && (
        <div className="field">
          <span className="label">Sound of the screen</span>
          <LevelMeter label="Screen sound level" level={screenLevel} />
        </div>
      )}
    </section>
  );
}

interface Props {
  label: string;
  choices: DeviceChoice[];
  value: string;
  isDisabled: boolean;
  hint?: string;
  onChoose: (id: string) => void;
}

function DeviceSelect({ label, choices, value, isDisabled, hint, onChoose }: Props) {
  const id = useId();
  const isKnown = choices.some((choice) => choice.id === value);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={isKnown ? value : ''} disabled={isDisabled || choices.length === 0} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => event.target.value && onChoose(event.target.value)}>
        {!isKnown && <option value="">{choices.length === 0 ? `No ${label.toLowerCase()} known yet` : 'Off'}</option>}
        {choices.map((choice) => <option key={choice.id} value={choice.id}>{choice.label}</option>)}
      </select>
      {hint && <p className="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

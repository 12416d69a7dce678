import type { OwnedChannel } from '../api/types';

/** Which of my channels; nothing where there is one. */
export function Picker({ channels, chosen, onChoose }: { channels: OwnedChannel[]; chosen: OwnedChannel; onChoose: (name: string) => void }) {
  if (channels.length < 2) return null;
  return (
    <label className="picker">
      <span className="visually-hidden">Channel</span>
      <select value={chosen.name} onChange={(event) => onChoose(event.target.value)}>
        {channels.map(({ id, name }) => <option key={id} value={name}>{name}</option>)}
      </select>
    </label>
  );
}

import { useId } from 'react';

interface Props<T extends string> {
  label: string;
  value: T;
  choices: readonly (readonly [T, string])[];
  onChoose: (value: T) => void;
}

/** A few ways of which one is shown: radio buttons in the shape of one bar. */
export function Segments<T extends string>({ label, value, choices, onChoose }: Props<T>) {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">{label}</legend>
      {choices.map(([choice, words]) => (
        <label key={choice} data-chosen={choice === value}>
          <input type="radio" className="visually-hidden" name={name} value={choice} checked={choice === value} onChange={() => onChoose(choice)} />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

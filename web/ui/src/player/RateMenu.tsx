import { ChoiceMenu } from './ChoiceMenu';

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

interface Props {
  rate: number;
  onRate: (rate: number) => void;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

/** How fast a recording plays. */
export function RateMenu({ rate, onRate, isOpen, onToggle }: Props) {
  const choices = RATES.map((value) => ({ value: String(value), label: nameOf(value), isChecked: value === rate, choose: () => onRate(value) }));
  return <ChoiceMenu name="Speed" testid="rate" icon="speed" label={`Speed: ${nameOf(rate)}`} hint="Speed" choices={choices} isOpen={isOpen} onToggle={onToggle} />;
}

const nameOf = (rate: number): string => (rate === 1 ? 'Normal' : `${rate}×`);

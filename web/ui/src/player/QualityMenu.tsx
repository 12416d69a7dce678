import { formatBitrate } from '../format';
import { ChoiceMenu } from './ChoiceMenu';
import { pickQuality, useQuality, type Quality } from './quality';

interface Props {
  qualities: readonly Quality[];
  /** What plays now, for the line of "Auto". */
  playing: string | null;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

/** Which rendition to play: by itself, or one by name. */
export function QualityMenu({ qualities, playing, isOpen, onToggle }: Props) {
  const { choice, choose } = useQuality();
  const picked = pickQuality(choice, qualities);
  const auto = { value: 'auto', label: 'Auto', detail: picked === null && playing ? `now ${playing}` : '', isChecked: picked === null, choose: () => choose('auto') };
  const each = qualities.map((quality) => ({
    value: quality.choice, label: quality.label, detail: formatBitrate(quality.bitrateBps), isChecked: quality === picked, choose: () => choose(quality.choice),
  }));
  return (
    <ChoiceMenu name="Quality" testid="quality" icon="quality" label={`Quality (q): ${picked?.label ?? 'Auto'}`} hint="Quality (q)"
      choices={[auto, ...each]} isOpen={isOpen} onToggle={onToggle} />
  );
}

import { formatBitrate } from '../format';
import { ChoiceMenu } from './ChoiceMenu';
import { pickQuality, useQuality, type Quality, type QualityChoice } from './quality';
import type { Lowest } from './useLowest';

interface Props {
  qualities: readonly Quality[];
  /** What plays now, for the line of "Auto". */
  playing: string | null;
  lowest: Lowest;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

/** Which rendition to play: by itself, or one by name. The lowest latency has one of its own, which any other choice leaves. */
export function QualityMenu({ qualities, playing, lowest, isOpen, onToggle }: Props) {
  const { choice, choose } = useQuality();
  const picked = pickQuality(choice, qualities);
  const isLowest = lowest.phase === 'on';
  const take = (wanted: QualityChoice) => () => {
    if (isLowest || lowest.phase === 'joining') lowest.off();
    choose(wanted);
  };
  const now = playing ? `now ${playing}` : '';
  const own = isLowest ? [{ value: 'lowest', label: 'Lowest latency', detail: now, isChecked: true, choose: () => undefined }] : [];
  const auto = { value: 'auto', label: 'Auto', detail: picked === null && !isLowest ? now : '', isChecked: picked === null && !isLowest, choose: take('auto') };
  const each = qualities.map((quality) => ({
    value: quality.choice, label: quality.label, detail: formatBitrate(quality.bitrateBps), isChecked: quality === picked && !isLowest, choose: take(quality.choice),
  }));
  return (
    <ChoiceMenu name="Quality" testid="quality" icon="quality" label={`Quality (q): ${isLowest ? 'Lowest latency' : (picked?.label ?? 'Auto')}`} hint="Quality (q)"
      choices={[...own, auto, ...each]} isOpen={isOpen} onToggle={onToggle} />
  );
}

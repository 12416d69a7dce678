import type { CSSProperties } from 'react';
import { hueOf, initialOf } from '../format';

interface Props {
  name: string;
  /** Whose first letter the card shows; without it the middle stays free for words. */
  initial?: string;
}

/** A test card in the channel's own tint: what there is to see while there is no picture. */
export function TestCard({ name, initial }: Props) {
  const hue = { '--hue': hueOf(name) } as CSSProperties;
  const columns = [80, 160, 240, 320, 400, 480, 560];
  const rows = [60, 120, 180, 240, 300];
  return (
    <svg className="testcard" style={hue} viewBox="0 0 640 360" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
      <rect width="640" height="360" className="testcard-ground" />
      <g className="testcard-grid">
        {columns.map((x) => <path key={x} d={`M${x} 0v360`} />)}
        {rows.map((y) => <path key={y} d={`M0 ${y}h640`} />)}
      </g>
      <circle cx="320" cy="180" r="138" className="testcard-disc" />
      {initial && <text x="320" y="206" className="testcard-letter">{initialOf(initial)}</text>}
      <g className="testcard-bars">
        {[0, 1, 2, 3, 4, 5, 6].map((bar) => <rect key={bar} x={250 + bar * 20} y="250" width="20" height="16" style={{ opacity: 0.1 + bar * 0.1 }} />)}
      </g>
      <g className="testcard-lines">
        <circle cx="320" cy="180" r="138" />
        <path d="M320 18v14M320 328v14M24 180h14M602 180h14M24 46v-22h22M616 46v-22h-22M24 314v22h22M616 314v22h-22" />
      </g>
    </svg>
  );
}

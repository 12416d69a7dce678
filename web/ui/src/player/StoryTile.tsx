import type { Tile } from './storyboard';

/** One picture of a sheet, as large as its box; the sheet's own size need not be known for that. */
export function StoryTile({ tile: { url, x, y, width, height } }: { tile: Tile }) {
  return (
    <svg className="tile" viewBox={`${x} ${y} ${width} ${height}`} preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
      <image href={url} />
    </svg>
  );
}

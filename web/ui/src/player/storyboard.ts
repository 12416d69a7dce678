/** Storyboards: WebVTT whose cues are tiles of sheets of small pictures (Media Fragments, 4.2.2: `sheet.jpg#xywh=0,0,160,90`). */

export interface Tile {
  startS: number; // media time
  endS: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const TIMES = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3})\s+-->\s+(?:(\d+):)?(\d\d):(\d\d)\.(\d{3})/;
const PLACE = /^(\S+?)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/** Cues that are not tiles are passed over. `baseUrl`: where `text` came from; the sheets' addresses are relative to it. */
export function parseStoryboard(text: string, baseUrl: string): Tile[] {
  const tiles: Tile[] = [];
  const lines = text.split(/\r?\n/);
  lines.forEach((line, index) => {
    const times = TIMES.exec(line);
    const place = times && PLACE.exec(lines[index + 1]?.trim() ?? '');
    if (!place) return;
    const [, file = '', ...numbers] = place;
    const [x = 0, y = 0, width = 0, height = 0] = numbers.map(Number);
    if (width > 0 && height > 0) tiles.push({ startS: secondsOf(times, 1), endS: secondsOf(times, 5), url: new URL(file, baseUrl).href, x, y, width, height });
  });
  return tiles.sort((a, b) => a.startS - b.startS);
}

function secondsOf(match: RegExpExecArray, at: number): number {
  const [hours, minutes, seconds, ms] = match.slice(at, at + 4).map((digits) => Number(digits ?? 0)) as [number, number, number, number];
  return hours * 3600 + minutes * 60 + seconds + ms / 1000;
}

/** The picture that stands for this moment: the newest that is not later, else the first. */
export function tileAt(tiles: readonly Tile[], mediaS: number): Tile | null {
  let low = 0;
  let high = tiles.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (tiles[middle]!.startS <= mediaS) low = middle;
    else high = middle - 1;
  }
  return tiles[low] ?? null;
}

/** `count` tiles, evenly over all of them. */
export function someOf(tiles: readonly Tile[], count: number): Tile[] {
  if (tiles.length <= count) return [...tiles];
  return Array.from({ length: count }, (_, index) => tiles[Math.floor(((index + 0.5) * tiles.length) / count)]!);
}

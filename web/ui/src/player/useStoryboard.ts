import { useQuery } from '@tanstack/react-query';
import { parseStoryboard, type Tile } from './storyboard';
import { sameness } from './token';

/** A picture is added every 10 s; one that is this much older than a seek's target still says enough. */
const FRESH_MS = 20_000;

/** The tiles of a storyboard once somebody wants to see them; none while there are none. */
export function useStoryboard(url: string | null | undefined, isWanted: boolean, isGrowing: boolean): readonly Tile[] {
  const { data } = useQuery({
    queryKey: ['storyboard', sameness(url ?? '')],
    queryFn: ({ signal }) => fetchStoryboard(url!, signal),
    enabled: Boolean(url) && isWanted,
    staleTime: isGrowing ? FRESH_MS : Number.POSITIVE_INFINITY,
    refetchInterval: isGrowing && isWanted ? FRESH_MS : false,
    retry: false,
  });
  return data ?? NONE;
}

const NONE: readonly Tile[] = [];

async function fetchStoryboard(url: string, signal: AbortSignal): Promise<Tile[]> {
  const address = new URL(url, window.location.href).href;
  const answer = await fetch(address, { signal });
  if (!answer.ok) return []; // the first picture is not made yet, or the stream has none: seeking works without
  return parseStoryboard(await answer.text(), answer.url || address);
}

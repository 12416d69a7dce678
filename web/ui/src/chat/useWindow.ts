import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react';

/** What a line is taken for until it has been measured. */
const GUESS_PX = 31;
/** Beyond what is seen, on either side. */
const BEYOND_PX = 500;
/** The view where nothing can be measured. */
const VIEW_PX = 640;
/** Nearer to the end than this is at the end. */
const END_PX = 30;
const OLDER_PX = 240;

interface Options {
  keys: readonly string[];
  onPause: () => void;
  onResume: () => void;
  /** The reader comes near the first line. */
  onTop: () => void;
}

export interface Window {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  first: number;
  last: number;
  beforePx: number;
  afterPx: number;
  isFollowing: boolean;
  onScroll: () => void;
  follow: () => void;
}

/**
 * Only the lines around what is seen are in the page; the rest is room of their height. The end is followed until the reader
 * scrolls back; then the line at the top of the view stays where it is, whatever comes or goes around it.
 */
export function useWindow({ keys, onPause, onResume, onTop }: Options): Window {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const heights = useRef(new Map<string, number>());
  const anchor = useRef<{ key: string; offsetPx: number } | null>(null);
  const lastTop = useRef(0);
  const [isFollowing, setFollowing] = useState(true);
  const [view, setView] = useState({ topPx: 0, heightPx: VIEW_PX, widthPx: 0 });

  const heightOf = (key: string) => heights.current.get(key) ?? GUESS_PX;
  // Lines that come before the anchored one move it, and not what the reader sees.
  const anchored = anchor.current ? keys.indexOf(anchor.current.key) : -1;
  const topPx = anchored >= 0 ? sum(keys, 0, anchored, heightOf) - anchor.current!.offsetPx : view.topPx;
  const range = isFollowing ? fromEnd(keys, view.heightPx + BEYOND_PX, heightOf) : around(keys, topPx - BEYOND_PX, topPx + view.heightPx + BEYOND_PX, heightOf);

  const look = useCallback(() => {
    const { current } = scroller;
    if (!current) return;
    const next = { topPx: current.scrollTop, heightPx: current.clientHeight || VIEW_PX, widthPx: current.clientWidth };
    setView((now) => {
      if (next.widthPx !== now.widthPx) heights.current.clear(); // lines break elsewhere
      const isSame = Math.abs(next.topPx - now.topPx) < BEYOND_PX / 4 && next.heightPx === now.heightPx && next.widthPx === now.widthPx;
      return isSame ? now : next;
    });
  }, []);

  const settle = useCallback(() => {
    const { current } = scroller;
    if (!current || !content.current) return;
    measure(content.current, heights.current);
    if (isFollowing) current.scrollTop = current.scrollHeight;
    else if (anchor.current) hold(current, content.current, anchor.current);
    lastTop.current = current.scrollTop;
  }, [isFollowing]);

  useLayoutEffect(settle);

  useLayoutEffect(() => {
    const observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => (look(), settle()));
    if (scroller.current) observer?.observe(scroller.current);
    if (content.current) observer?.observe(content.current); // pictures arrive
    look();
    return () => observer?.disconnect();
  }, [look, settle]);

  const onScroll = () => {
    const { current } = scroller;
    if (!current) return;
    const leftPx = current.scrollHeight - current.scrollTop - current.clientHeight;
    const isBack = current.scrollTop < lastTop.current - 1;
    lastTop.current = current.scrollTop;
    if (isFollowing && isBack && leftPx > END_PX) {
      setFollowing(false);
      onPause();
    } else if (!isFollowing && leftPx <= END_PX && !isBack) {
      setFollowing(true);
      onResume();
    }
    if (content.current) anchor.current = topLine(current, content.current);
    if (current.scrollTop < OLDER_PX && leftPx > END_PX) onTop();
    look();
  };

  const follow = () => {
    anchor.current = null;
    setFollowing(true);
    onResume();
  };

  trim(heights.current, keys);
  return { scroller, content, ...range, isFollowing, onScroll, follow };
}

interface Range {
  first: number;
  last: number;
  beforePx: number;
  afterPx: number;
}

function fromEnd(keys: readonly string[], wantedPx: number, heightOf: (key: string) => number): Range {
  let first = keys.length;
  for (let seenPx = 0; first > 0 && seenPx < wantedPx; ) seenPx += heightOf(keys[--first]!);
  return { first, last: keys.length, beforePx: sum(keys, 0, first, heightOf), afterPx: 0 };
}

function around(keys: readonly string[], fromPx: number, toPx: number, heightOf: (key: string) => number): Range {
  let [first, topPx] = [0, 0];
  while (first < keys.length && topPx + heightOf(keys[first]!) < fromPx) topPx += heightOf(keys[first++]!);
  let [last, endPx] = [first, topPx];
  while (last < keys.length && endPx < toPx) endPx += heightOf(keys[last++]!);
  return { first, last, beforePx: topPx, afterPx: sum(keys, last, keys.length, heightOf) };
}

function sum(keys: readonly string[], from: number, to: number, heightOf: (key: string) => number): number {
  let total = 0;
  for (let index = from; index < to; index++) total += heightOf(keys[index]!);
  return total;
}

const rowsOf = (content: HTMLElement) => content.querySelectorAll<HTMLElement>(':scope > [data-key]');

function measure(content: HTMLElement, heights: Map<string, number>): void {
  for (const row of rowsOf(content)) if (row.offsetHeight > 0) heights.set(row.dataset.key!, row.offsetHeight);
}

function topLine(scroller: HTMLElement, content: HTMLElement): { key: string; offsetPx: number } | null {
  for (const row of rowsOf(content)) {
    if (row.offsetTop + row.offsetHeight > scroller.scrollTop) return { key: row.dataset.key!, offsetPx: row.offsetTop - scroller.scrollTop };
  }
  return null;
}

/** Scroll so that the anchored line stands where it stood. */
function hold(scroller: HTMLElement, content: HTMLElement, { key, offsetPx }: { key: string; offsetPx: number }): void {
  for (const row of rowsOf(content)) {
    if (row.dataset.key !== key) continue;
    const wantedPx = row.offsetTop - offsetPx;
    if (Math.abs(scroller.scrollTop - wantedPx) >= 1) scroller.scrollTop = wantedPx;
    return;
  }
}

/** Lines that are gone need no height. */
function trim(heights: Map<string, number>, keys: readonly string[]): void {
  if (heights.size <= keys.length * 2 + 200) return;
  const here = new Set(keys);
  for (const key of heights.keys()) if (!here.has(key)) heights.delete(key);
}

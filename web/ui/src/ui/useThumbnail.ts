import { useEffect, useState, type RefObject } from 'react';

/** The server makes a new picture this often. */
export const THUMBNAIL_EVERY_MS = 10_000;
/** So many pictures in a row that did not come mean that there is none any more. */
const MISSES_MAX = 3;

/** All who look within one period ask for the same address: one picture in every cache on the way. */
export const thumbnailAt = (url: string, nowMs: number): string =>
  `${url}${url.includes('?') ? '&' : '?'}t=${Math.floor(nowMs / THUMBNAIL_EVERY_MS)}`;

/**
 * The address of the newest picture that has loaded, or null while there is none. Asks again every 10 s while
 * `isRefreshed` and `box` is in sight; a picture stays until the next has arrived, so nothing flickers.
 */
export function useThumbnail(url: string, box: RefObject<Element | null>, isRefreshed: boolean): string | null {
  const [shown, setShown] = useState<string | null>(null);
  useEffect(() => {
    setShown(null);
    if (!url) return;
    let isInSight = true;
    let misses = 0;
    let loading: HTMLImageElement | null = null;
    const load = () => {
      if (!isInSight || document.hidden) return;
      const picture = new Image();
      const address = thumbnailAt(url, Date.now());
      loading = picture;
      picture.onload = () => {
        if (loading !== picture) return;
        misses = 0;
        setShown(address);
      };
      picture.onerror = () => {
        if (loading === picture && ++misses >= MISSES_MAX) setShown(null);
      };
      picture.src = address;
    };
    load();
    const timer = isRefreshed ? setInterval(load, THUMBNAIL_EVERY_MS) : undefined;
    const observer = typeof IntersectionObserver === 'undefined' ? null : new IntersectionObserver(([entry]) => {
      const wasInSight = isInSight;
      isInSight = entry?.isIntersecting ?? true;
      if (isInSight && !wasInSight) load();
    });
    if (box.current) observer?.observe(box.current);
    return () => {
      loading = null;
      clearInterval(timer);
      observer?.disconnect();
    };
  }, [url, box, isRefreshed]);
  return shown;
}

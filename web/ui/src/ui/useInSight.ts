import { useEffect, useRef } from 'react';

/** Of a row of tabs that scrolls on a phone: the current one is in sight. `current`: which one it is. */
export function useInSight(current: string) {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const tab = row.current?.querySelector<HTMLElement>('[aria-current="page"]');
    if (row.current && tab) row.current.scrollLeft = tab.offsetLeft - row.current.offsetLeft - (row.current.clientWidth - tab.offsetWidth) / 2;
  }, [current]);
  return row;
}

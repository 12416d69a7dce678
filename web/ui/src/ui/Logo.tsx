import { useEffect } from 'react';
import lampOff from '../icons/lamp-off.svg';
import lampOn from '../icons/lamp-on.svg';
import { useLamp } from '../stores/lamp';

/** A viewfinder with the tally lamp in its middle; lit while this page shows something on air. */
export function Logo() {
  const isLit = useLamp((lamp) => lamp.isLit);
  useEffect(() => {
    document.querySelector('link[rel="icon"]')?.setAttribute('href', isLit ? lampOn : lampOff);
  }, [isLit]);
  return (
    <span className="logo" data-lit={isLit}>
      <svg width="28" height="28" viewBox="0 0 32 32" fill="none" aria-hidden="true" focusable="false">
        <path d="M4.5 10.5v-3a3 3 0 0 1 3-3h3M21.5 4.5h3a3 3 0 0 1 3 3v3M27.5 21.5v3a3 3 0 0 1-3 3h-3M10.5 27.5h-3a3 3 0 0 1-3-3v-3"
          stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
        <circle className="logo-lamp" cx="16" cy="16" r="5.5" />
      </svg>
      <span className="logo-word">tallylight</span>
    </span>
  );
}

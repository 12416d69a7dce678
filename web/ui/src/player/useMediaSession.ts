import { useEffect, useRef } from 'react';

interface Programme {
  title: string;
  artist: string;
  artwork: string;
}

interface Handlers {
  play: () => void;
  pause: () => void;
}

/** Tell the system's media keys and lock screen what plays here. */
export function useMediaSession({ title, artist, artwork }: Programme, handlers: Handlers, isOn: boolean): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const session = isOn ? navigator.mediaSession : undefined;
    if (!session || typeof MediaMetadata === 'undefined') return;
    session.metadata = new MediaMetadata({ title, artist, album: 'Tallylight', artwork: artwork ? [{ src: artwork }] : [] });
    session.setActionHandler('play', () => latest.current.play());
    session.setActionHandler('pause', () => latest.current.pause());
    return () => {
      session.metadata = null;
      session.setActionHandler('play', null);
      session.setActionHandler('pause', null);
    };
  }, [title, artist, artwork, isOn]);
}

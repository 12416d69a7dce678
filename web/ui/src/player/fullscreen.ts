/** Fullscreen and picture-in-picture, with the names that Safari gives them. */

import { useEffect, useState, type RefObject } from 'react';

interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

export function toggleFullscreen(frame: HTMLElement | null, video: AppleVideo | null): void {
  if (document.fullscreenElement) return void document.exitFullscreen();
  if (frame?.requestFullscreen) return void frame.requestFullscreen().catch(() => video?.webkitEnterFullscreen?.());
  video?.webkitEnterFullscreen?.(); // iPhones show only the video itself
}

export function useIsFullscreen(frame: RefObject<HTMLElement | null>): boolean {
  const [isFullscreen, setFullscreen] = useState(false);
  useEffect(() => {
    const update = () => setFullscreen(document.fullscreenElement !== null && document.fullscreenElement === frame.current);
    document.addEventListener('fullscreenchange', update);
    return () => document.removeEventListener('fullscreenchange', update);
  }, [frame]);
  return isFullscreen;
}

export const hasPictureInPicture = (): boolean => document.pictureInPictureEnabled === true;

/** Resolves to false when the browser did not want to. */
export async function togglePictureInPicture(video: HTMLVideoElement | null): Promise<boolean> {
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await video?.requestPictureInPicture();
    return true;
  } catch {
    return false; // no picture yet, or refused: the caller says so
  }
}

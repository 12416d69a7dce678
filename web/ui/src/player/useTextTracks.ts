import { useEffect, useState, type RefObject } from 'react';
import { create } from 'zustand';
import { recall, remember } from '../stores/storage';
import { relayMetadata, showCaptions } from './text-tracks';

const KEY = 'tally.captions';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';

/** Whether this browser's viewer wants captions. */
export const useCaptionChoice = create<{ isWanted: boolean; toggle: () => void }>((set, get) => ({
  isWanted: recall(KEY, isBoolean, false),
  toggle: () => {
    const isWanted = !get().isWanted;
    remember(KEY, isWanted);
    set({ isWanted });
  },
}));

export interface Captions {
  has: boolean;
  isOn: boolean;
  toggle: () => void;
  /** Why nothing happened; empty otherwise. */
  note: string;
}

const NOTE_MS = 6000;

/** The switch of the captions. WebRTC carries none: the choice stays, and who asks is told. */
export function useCaptions(has: boolean, isWebrtc: boolean): Captions {
  const { isWanted, toggle } = useCaptionChoice();
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    if (!isAsked) return;
    const timer = setTimeout(() => setAsked(false), NOTE_MS);
    return () => clearTimeout(timer);
  }, [isAsked]);
  const note = isWebrtc && isAsked ? 'There are no captions at the lowest latency.' : '';
  return { has, isOn: isWanted && !isWebrtc, toggle: isWebrtc ? () => setAsked(true) : toggle, note };
}

/** Captions follow the choice; metadata becomes events on `frame`. Returns whether there are captions to show. */
export function useTextTracks(video: RefObject<HTMLVideoElement | null>, frame: RefObject<HTMLElement | null>): boolean {
  const isWanted = useCaptionChoice((captions) => captions.isWanted);
  const [hasCaptions, setHasCaptions] = useState(false);

  useEffect(() => {
    if (!video.current || !frame.current) return;
    const stop = new AbortController();
    relayMetadata(video.current, frame.current, stop.signal);
    return () => stop.abort();
  }, [video, frame]);

  useEffect(() => {
    const tracks = video.current?.textTracks as TextTrackList | undefined;
    if (!tracks?.addEventListener) return;
    const stop = new AbortController();
    const update = () => setHasCaptions(showCaptions(tracks, isWanted));
    for (const name of ['addtrack', 'removetrack', 'change']) tracks.addEventListener(name, update, { signal: stop.signal });
    update();
    return () => stop.abort();
  }, [video, isWanted]);
  return hasCaptions;
}

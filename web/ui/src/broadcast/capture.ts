/** Opens cameras, microphones and screens the way a broadcast wants them. */

import { widthOf, type Quality } from './quality';

/** Options of `getDisplayMedia` that TypeScript does not know yet; browsers skip what they do not know either. */
interface ScreenOptions extends DisplayMediaStreamOptions {
  selfBrowserSurface?: 'include' | 'exclude';
  surfaceSwitching?: 'include' | 'exclude';
  systemAudio?: 'include' | 'exclude';
}

export interface Wanted {
  /** '' is the one the browser prefers. */
  cameraId: string;
  microphoneId: string;
  /** Echo and noise taken out, level kept even: for voices, not for music. */
  isCleaned: boolean;
  quality: Quality;
}

export function cameraConstraints({ cameraId, quality: { height, frameRate } }: Wanted): MediaTrackConstraints {
  return { ...(cameraId && { deviceId: { exact: cameraId } }), width: { ideal: widthOf(height) }, height: { ideal: height }, frameRate: { ideal: frameRate } };
}

export function microphoneConstraints({ microphoneId, isCleaned }: Wanted): MediaTrackConstraints {
  return {
    ...(microphoneId && { deviceId: { exact: microphoneId } }),
    echoCancellation: isCleaned, noiseSuppression: isCleaned, autoGainControl: isCleaned, channelCount: { ideal: isCleaned ? 1 : 2 },
  };
}

export const canShareScreen = (): boolean => typeof navigator.mediaDevices?.getDisplayMedia === 'function';

/** What kinds of pictures come, for the encoder: moving ones, or text that has to stay sharp. */
export const hintFor = (kind: 'camera' | 'screen', { frameRate }: Quality): string => (kind === 'screen' && frameRate < 30 ? 'detail' : 'motion');

/** One question for both; throws what the browser throws. */
export async function openDevices(wanted: Wanted, what: { camera: boolean; microphone: boolean }): Promise<{ camera: MediaStreamTrack | null; microphone: MediaStreamTrack | null }> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: what.camera && cameraConstraints(wanted),
    audio: what.microphone && microphoneConstraints(wanted),
  });
  const camera = stream.getVideoTracks()[0] ?? null;
  if (camera) camera.contentHint = hintFor('camera', wanted.quality);
  return { camera, microphone: stream.getAudioTracks()[0] ?? null };
}

/** The browser asks which screen, window or tab, and whether with its sound. */
export async function openScreen({ quality }: Wanted): Promise<{ screen: MediaStreamTrack; sound: MediaStreamTrack | null }> {
  const options: ScreenOptions = {
    video: { frameRate: { ideal: quality.frameRate }, height: { max: Math.max(quality.height, 1080) } },
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    selfBrowserSurface: 'exclude', surfaceSwitching: 'include', systemAudio: 'include',
  };
  const stream = await navigator.mediaDevices.getDisplayMedia(options);
  const screen = stream.getVideoTracks()[0]!;
  screen.contentHint = hintFor('screen', quality);
  return { screen, sound: stream.getAudioTracks()[0] ?? null };
}

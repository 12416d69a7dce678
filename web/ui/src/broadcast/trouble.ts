/** What keeps somebody from going live, in words that say what to do about it. */

import { ApiError } from '../api/errors';
import { WhipError } from './whip';

export interface Trouble {
  id: 'insecure' | 'unsupported' | 'denied' | 'missing' | 'busy' | 'gone' | 'codec' | 'conflict' | 'refused' | 'unavailable' | 'unreachable' | 'failed';
  title: string;
  text: string;
}

export type Device = 'camera' | 'microphone' | 'screen';

/** What this browser and this address can do at all; null where nothing stands in the way. */
export function obstacle(): Trouble | null {
  if (!window.isSecureContext) {
    return {
      id: 'insecure', title: 'This address is not encrypted',
      text: `Browsers give cameras and microphones only to pages on https:// or on localhost. Open this page at https://${window.location.host}, or use an encoder such as OBS.`,
    };
  }
  if (typeof RTCPeerConnection === 'undefined' || !navigator.mediaDevices?.getUserMedia) {
    return { id: 'unsupported', title: 'This browser cannot send video', text: 'WebRTC is missing or turned off. Use a current Chrome, Edge, Firefox or Safari, or an encoder such as OBS.' };
  }
  return null;
}

const NAMES: Record<Device, string> = { camera: 'camera', microphone: 'microphone', screen: 'screen' };

/** What `getUserMedia` and `getDisplayMedia` mean by their errors; null: the person changed their mind. */
export function captureTrouble(error: unknown, device: Device): Trouble | null {
  const name = NAMES[device];
  const { name: kind = '', message = '' } = (error ?? {}) as Partial<DOMException>;
  const bySystem = /system/i.test(message);
  switch (kind) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (bySystem) return { id: 'denied', title: `The system keeps the ${name} from this browser`, text: `Allow it in the system’s settings under privacy, for this browser, and try again.` };
      if (device === 'screen') return null; // nothing was chosen in the browser's own dialog
      return { id: 'denied', title: `The ${name} is not allowed`, text: `Press the sign beside the address, allow the ${name} for this page, and try again.` };
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return { id: 'missing', title: `No ${name} was found`, text: `Plug one in, or choose another source.` };
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return { id: 'busy', title: `The ${name} does not start`, text: 'Another program may be using it. Close that, and try again.' };
    case 'OverconstrainedError':
      return { id: 'missing', title: `That ${name} is not there any more`, text: 'Choose another one.' };
    default:
      return { id: 'failed', title: `The ${name} does not start`, text: message || 'The browser does not say why.' };
  }
}

/** Why a broadcast did not begin or is over. `said` is what the server wrote, if anything. */
export function publishTrouble(error: unknown): Trouble {
  if (error instanceof ApiError) {
    if (error.code === 'NETWORK') return { id: 'unreachable', title: 'The server cannot be reached', text: 'Check your connection.' };
    return { id: error.status >= 500 ? 'unavailable' : 'refused', title: 'The server does not let you publish', text: error.message };
  }
  if (!(error instanceof WhipError)) return { id: 'failed', title: 'That did not work', text: error instanceof Error && error.message ? error.message : 'The browser does not say why.' };
  const { kind, said } = error;
  switch (kind) {
    case 'conflict':
      return { id: 'conflict', title: 'Somebody else is live here', text: said || 'Another publisher sends to this channel right now.' };
    case 'refused':
      return { id: 'refused', title: 'The server does not take this stream', text: said || 'It says no more than that.' };
    case 'codec':
      return { id: 'codec', title: 'This browser does not fit', text: said || 'It cannot send H.264, which this server needs. Use a current Chrome, Edge, Firefox or Safari, or an encoder such as OBS.' };
    case 'unavailable':
      return { id: 'unavailable', title: 'This server takes no streams from browsers now', text: said || 'WebRTC is turned off here, or has no room. Use an encoder such as OBS, or try again later.' };
    case 'network':
      return { id: 'unreachable', title: 'The server cannot be reached', text: 'Check your connection.' };
    case 'blocked':
      return { id: 'unreachable', title: 'No way for the picture', text: 'The server answered, but video does not get through. A firewall may block UDP: try another network, or RTMP with an encoder.' };
    case 'cut':
      return { id: 'unreachable', title: 'The server closed the connection', text: 'It may be starting again.' };
    case 'lost':
      return { id: 'unreachable', title: 'The connection was lost', text: 'The server does not hear us any more.' };
  }
}
